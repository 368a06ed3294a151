#pragma once

#include "run/kernels/x86/q8/dispatch.h"
#include "run/kernels/x86/q8/panel.h"

/// Products of bytes with AMX: one instruction multiplies the 32 columns of a block for sixteen tokens and sixteen
/// rows. What it leaves are the integers S of ops.h, which go on as floats in AVX-512 registers.
namespace adder::ADDER_LEVEL {
namespace {

constexpr int kTmmRows = 16, kTmmBytes = 64;

/// The operand of ldtilecfg.
struct alignas(64) TileShapes {
  uint8_t palette = 1, start_row = 0, unused[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileShapes) == 64);

// GCC 12's own functions do not say what memory they read, and the compiler may leave out what was stored there.
inline void set_tiles(const TileShapes& shapes) {
  asm volatile("ldtilecfg %0" ::"m"(shapes));
}
inline void release_tiles() {
  asm volatile("tilerelease");
}
template <int tmm>
inline void load_tile(const int8_t* p, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(tmm) : "memory");
}
template <int tmm>
inline void store_tile(int32_t* p) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(int64_t{kTmmBytes}), "i"(tmm) : "memory");
}
/// sums[t, r] = sum over the bytes k of a row of x[t, k] w[k / 4, 4 r + k % 4], all signed
template <int sums, int x, int w>
inline void multiply_tiles() {
  asm volatile("tilezero %%tmm%c0\n\ttdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sums), "i"(x), "i"(w));
}

/// Tiles come in threes: sums, activations, weights. Two sets let one block's products run beside another's floats.
template <class Format>
inline TileShapes tile_shapes(int64_t n_tokens) {
  constexpr int kBytes = Format::kHalves ? 16 : 32;  // of a row of activations: those that share a multiplier
  TileShapes shapes;
  for (int set = 0; set < 6; set += 3) {
    shapes.rows[set] = shapes.rows[set + 1] = static_cast<uint8_t>(n_tokens);
    shapes.rows[set + 2] = kBytes / 4;
    shapes.row_bytes[set] = shapes.row_bytes[set + 2] = kTmmBytes;
    shapes.row_bytes[set + 1] = kBytes;
  }
  return shapes;
}

/// The shapes are a thread's own, and hold until this ends.
template <class Format>
class TileScope {
 public:
  TileScope() { set_tiles(tile_shapes<Format>(kTmmRows)); }
  ~TileScope() { release_tiles(); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

/// A Panel whose levels are bytes of q, laid out as a tile wants them: for four columns after four, four bytes of every
/// row. That is how a packed matrix holds them (packed.h), so that unpacking only widens and takes the offset away.
template <class Format>
class TilePanel {
 public:
  static constexpr int64_t kTokens = 256;
  template <int parts>
  static int64_t step(int64_t n) {
    return smaller(n, kTmmRows);
  }

  void unpack(int group, const uint8_t* unit, int64_t n) {
    n_blocks_ = 0;
    for_blocks<Format>(unit, n, [&](const uint8_t* in, const uint8_t* block) {
      const PackedBlock<Format> packed(in, block, 0);
      Block& out = blocks_[group][n_blocks_++];
      for_columns([&]<int i>(Column<i>) {
        const I signed_levels = _mm512_sub_epi8(levels<Format, i>(packed.q), set1_bytes(Format::kOffset));
        _mm512_store_si512(out.q + kTmmBytes * i, signed_levels);
      });
      out.factors = packed.factors;
    });
  }

  template <int parts>
  void add_to(float* sums, const Q8Block* x, int64_t stride, int64_t n) const {
    if (n < kTmmRows) set_tiles(tile_shapes<Format>(n));
    for (int group = 0; group < kQ8Groups; ++group, sums += kGroupRows) {
      if (n < kTmmRows) {
        add_rest<parts>(blocks_[group], sums, x, stride, n);
      } else {
        add_group<parts>(blocks_[group], sums, x, stride);
      }
    }
    if (n < kTmmRows) set_tiles(tile_shapes<Format>(kTmmRows));
  }

  int n_blocks() const { return n_blocks_; }

 private:
  struct Block {
    alignas(64) int8_t q[8 * kTmmBytes];
    Factors<Format> factors;
  };
  static constexpr int kSums = Format::kHalves ? 2 : 1;
  using Products = int32_t[kSums][kTmmRows][kGroupRows];

  template <int set>
  static void multiply(const Block& w, const Q8Block* x, int64_t stride, Products& out) {
    const int64_t row_bytes = stride * static_cast<int64_t>(sizeof(Q8Block));
    load_tile<set + 2>(w.q, kTmmBytes);
    load_tile<set + 1>(x->q, row_bytes);
    multiply_tiles<set, set + 1, set + 2>();
    store_tile<set>(out[0][0]);
    if constexpr (Format::kHalves) {
      constexpr int other = 3 - set;
      load_tile<other + 2>(w.q + 4 * kTmmBytes, kTmmBytes);
      load_tile<other + 1>(x->q + 16, row_bytes);
      multiply_tiles<other, other + 1, other + 2>();
      store_tile<other>(out[1][0]);
    }
  }

  /// The products of the i-th block of activations, if there is one, are under way to products[i % 2].
  template <int parts>
  void start(int i, const Block* blocks, const Q8Block* x, int64_t stride, Products (&products)[2]) const {
    if (i == n_blocks_ * parts) return;
    const Block& w = blocks[i / parts];
    i % 2 == 0 ? multiply<0>(w, x + i, stride, products[0]) : multiply<3>(w, x + i, stride, products[1]);
  }

  /// `sum` of token t with its block x.
  static F go_on(F sum, const Products& products, int t, const Factors<Format>& f, const Q8Block& x) {
    sum = fma(mul(f.d, set1(x.scale)), integers(products, t, f), sum);
    if constexpr (Format::kBias) sum = fma(f.bias.value, set1(x.sum), sum);
    return sum;
  }

  /// Sixteen tokens, whose sums stay in registers: nothing may take their address.
  template <int parts>
  void add_group(const Block* blocks, float* sums, const Q8Block* x, int64_t stride) const {
    F acc[kTmmRows];
    for (int t = 0; t < kTmmRows; ++t) acc[t] = load(sums + t * kQ8Rows);
    alignas(64) Products products[2];
    start<parts>(0, blocks, x, stride, products);
    for (int i = 0; i < n_blocks_ * parts; ++i) {
      start<parts>(i + 1, blocks, x, stride, products);
      const Q8Block* at = x + i;
      for (int t = 0; t < kTmmRows; ++t, at += stride)
        acc[t] = go_on(acc[t], products[i % 2], t, blocks[i / parts].factors, *at);
    }
    for (int t = 0; t < kTmmRows; ++t) store(sums + t * kQ8Rows, acc[t]);
  }

  /// The n tokens that are left.
  template <int parts>
  void add_rest(const Block* blocks, float* sums, const Q8Block* x, int64_t stride, int64_t n) const {
    alignas(64) Products products[2];
    start<parts>(0, blocks, x, stride, products);
    for (int i = 0; i < n_blocks_ * parts; ++i) {
      start<parts>(i + 1, blocks, x, stride, products);
      for (int t = 0; t < n; ++t) {
        float* const at = sums + t * kQ8Rows;
        store(at, go_on(load(at), products[i % 2], t, blocks[i / parts].factors, x[i + t * stride]));
      }
    }
  }

  static F integers(const Products& products, int t, const Factors<Format>& f) {
    const auto row = [&](int h) { return to_float(_mm512_load_si512(products[h][t])); };
    if constexpr (Format::kHalves) {
      return fma(f.halves.m[1], row(1), mul(f.halves.m[0], row(0)));
    } else {
      return row(0);
    }
  }

  Block blocks_[kQ8Groups][kQ8Blocks];
  int n_blocks_ = 0;
};

struct ByTiles {
  template <class Format, int parts>
  static void product(const FlatLinearQ8& a, int64_t begin, int64_t end) {
    const TileScope<Format> scope;
    by_panels<TilePanel, Format, parts>(a, begin, end);
  }
};

}  // namespace

void linear_q8(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  q8_product<ByTiles>(a, begin, end);
}

}  // namespace adder::ADDER_LEVEL
