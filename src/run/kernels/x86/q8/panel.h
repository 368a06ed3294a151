#pragma once

#include "run/kernels/x86/bodies/lanes.h"
#include "run/kernels/x86/q8/block.h"

namespace adder::ADDER_LEVEL {
namespace {

constexpr int kQ8Groups = 2, kQ8Rows = kQ8Groups * kGroupRows, kQ8Blocks = 16;

/// The weights of a block in registers' form.
template <class Format>
struct UnpackedBlock {
  I levels[8];
  Factors<Format> factors;

  template <int i>
  I columns() const {
    return levels[i];
  }
};

/// body(unit, block) for every block of n units.
template <class Format, class Body>
inline void for_blocks(const uint8_t* unit, int64_t n, const Body& body) {
  for (int64_t i = 0; i < n; ++i, unit += kUnitBytes<Format>) {
    for (int j = 0; j < Format::kBlocks; ++j) body(unit, unit + Format::kHeader + j * kBlockBytes<Format>);
  }
}

/// Two groups of sixteen rows and up to kQ8Blocks blocks of 32 columns, unpacked once for many tokens. Without
/// halves it stays in the first-level cache (20 KB).
template <class Format>
class Panel {
 public:
  /// Tokens whose sums are kept while the panels of some rows go by: 16 KB.
  static constexpr int64_t kTokens = 128;
  /// The most tokens of a tile.
  template <int parts>
  static constexpr int kTileTokens = kTileActivations<Format> > parts ? kTileActivations<Format> / parts : 1;
  /// How many of n tokens add_to takes at once: as even shares of them as tiles allow.
  template <int parts>
  static int64_t step(int64_t n) {
    const int64_t steps = (n + kTileTokens<parts> - 1) / kTileTokens<parts>;
    return (n + steps - 1) / steps;
  }

  /// n units of one group of sixteen rows.
  void unpack(int group, const uint8_t* unit, int64_t n) {
    n_blocks_ = 0;
    for_blocks<Format>(unit, n, [&](const uint8_t* in, const uint8_t* block) {
      for (int k = 0; k < kGroupRegisters; ++k) {
        const int r = group * kGroupRegisters + k;
        put({in, block, kWidth * k}, tiles_[r / kTileRegisters][n_blocks_][r % kTileRegisters]);
      }
      ++n_blocks_;
    });
  }

  /// The sums of n tokens, kQ8Rows each, go on over all of its blocks; tokens lie `stride` blocks of activations
  /// apart. T counts down to n.
  template <int parts, int T = kTileTokens<parts>>
  void add_to(float* sums, const Q8Block* x, int64_t stride, int64_t n) const {
    if constexpr (T > 1) {
      if (n < T) return add_to<parts, T - 1>(sums, x, stride, n);
    }
    add_tokens<parts, T>(sums, x, stride);
  }

  int n_blocks() const { return n_blocks_; }

 private:
  using Tile = UnpackedBlock<Format>[kTileRegisters];
  static constexpr int kTiles = kQ8Groups * kGroupRegisters / kTileRegisters;

  template <int parts, int T>
  void add_tokens(float* sums, const Q8Block* x, int64_t stride) const {
    for (int tile = 0; tile < kTiles; ++tile, sums += kTileRegisters * kWidth) {
      F acc[T][kTileRegisters];
      const Q8Block* at[T];
      for (int t = 0; t < T; ++t) {
        at[t] = x + t * stride;
        for (int r = 0; r < kTileRegisters; ++r) acc[t][r] = load(sums + t * kQ8Rows + r * kWidth);
      }
      for (int b = 0; b < n_blocks_; ++b) {
        add_block<parts>(tiles_[tile][b], at, acc);
        for (const Q8Block*& p : at) p += parts;
      }
      for (int t = 0; t < T; ++t) {
        for (int r = 0; r < kTileRegisters; ++r) store(sums + t * kQ8Rows + r * kWidth, acc[t][r]);
      }
    }
  }

  static void put(const PackedBlock<Format>& packed, UnpackedBlock<Format>& out) {
    for_columns([&]<int i>(Column<i>) { out.levels[i] = packed.template columns<i>(); });
    out.factors = packed.factors;
  }

  Tile tiles_[kTiles][kQ8Blocks];
  int n_blocks_ = 0;
};

/// The rows of a panel through all columns, for tokens t0 ..: unpacks, and asks for what comes next while a panel meets
/// its tokens.
template <template <class> class Panel, class Format, int parts>
void panel_rows(const FlatLinearQ8& a, int64_t r, int64_t t0, int64_t n_tokens, float* sums) {
  const int64_t last_group = (a.n_rows - 1) / kGroupRows, stride = a.n_blocks * parts;
  const uint8_t* groups[kQ8Groups];  // past the end: the last one again
  for (int i = 0; i < kQ8Groups; ++i) groups[i] = a.w + smaller(r / kGroupRows + i, last_group) * a.group_bytes;
  Panel<Format> panel;
  for (int64_t b = 0; b < a.n_blocks; b += panel.n_blocks()) {
    const int64_t n = smaller(kQ8Blocks, a.n_blocks - b) / Format::kBlocks, bytes = n * kUnitBytes<Format>;
    for (int i = 0; i < kQ8Groups; ++i) {
      panel.unpack(i, groups[i], n);
      groups[i] += bytes;
    }
    const Q8Block* x = a.x + t0 * stride + b * parts;
    const int64_t ahead = b + panel.n_blocks() < a.n_blocks ? 0 : (kQ8Groups - 1) * a.group_bytes;
    for (int64_t t = 0; t < n_tokens;) {
      const int64_t step = Panel<Format>::template step<parts>(n_tokens - t);
      for (const uint8_t* group : groups) {
        const uint8_t *const from = group + ahead, *const to = from + (t + step) * bytes / n_tokens;
        for (const uint8_t* at = from + t * bytes / n_tokens; at < to; at += 64) prefetch(at);
      }
      panel.template add_to<parts>(sums + kQ8Rows * t, x + t * stride, stride, step);
      t += step;
    }
  }
}

/// y for any number of tokens.
template <template <class> class Panel, class Format, int parts>
void by_panels(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  constexpr int64_t kTokens = Panel<Format>::kTokens;
  alignas(64) float sums[kTokens * kQ8Rows];
  for (int64_t t0 = 0; t0 < a.n_tokens; t0 += kTokens) {
    const int64_t n_tokens = smaller(kTokens, a.n_tokens - t0);
    for (int64_t r = begin / kGroupRows * kGroupRows; r < end; r += kQ8Rows) {
      for (int64_t i = 0; i < n_tokens * kQ8Rows; ++i) sums[i] = 0.0f;
      panel_rows<Panel, Format, parts>(a, r, t0, n_tokens, sums);
      const int64_t first = r < begin ? begin : r, last = smaller(r + kQ8Rows, end);
      for (int64_t t = 0; t < n_tokens; ++t) write_rows(a, t0 + t, sums + kQ8Rows * t, r, first, last);
    }
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
