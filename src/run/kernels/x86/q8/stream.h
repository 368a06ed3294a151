#pragma once

#include "run/kernels/x86/bodies/lanes.h"
#include "run/kernels/x86/flat.h"
#include "run/kernels/x86/q8/product.h"

namespace adder::ADDER_LEVEL {
namespace {

/// How far ahead of the products memory is asked for.
constexpr int kAhead = 2048;

/// Sums of one block of eight rows for V blocks of activations, before the offset.
template <class Format, int V>
struct Sums {
  const uint8_t* q;
  const Q8Block* const (&x)[V];
  const __m256i (&m)[2];
  __m256i pairs[V], sums[V];

  template <int i>
  void columns() {
    const __m256i four_columns = levels<Format, i>(q);
    for (int v = 0; v < V; ++v) {
      const __m256i p = products<Format>(four_columns, broadcast_4(x[v]->q + 4 * i));
      pairs[v] = i % kSteps<Format> == 0 ? p : _mm256_add_epi16(pairs[v], p);
      if constexpr ((i + 1) % kSteps<Format> == 0) {
        const __m256i s = _mm256_madd_epi16(pairs[v], m[i / 4]);
        sums[v] = i < kSteps<Format> ? s : _mm256_add_epi32(sums[v], s);
      }
    }
  }
  void all() {
    columns<0>();
    columns<1>();
    columns<2>();
    columns<3>();
    columns<4>();
    columns<5>();
    columns<6>();
    columns<7>();
  }
};

/// Eight rows of a block: acc[v / parts] goes on by block of activations v.
template <class Format, int V>
inline void few_products(const uint8_t* unit, const uint8_t* block, int half, const Q8Block* const (&x)[V],
                         int64_t parts, __m256 (&acc)[V][2]) {
  const Scales s = scales<Format>(unit, block, half);
  __m256i m[2] = {pairs_constant(1), pairs_constant(1)};
  if constexpr (Format::kHalves) {
    for (int i = 0; i < 2; ++i) m[i] = twice(s.pairs, i);
  }
  Sums<Format, V> products{block + Format::kScales + 32 * half, x, m, {}, {}};
  products.all();
  for (int v = 0; v < V; ++v) {
    __m256i sum = products.sums[v];
    if constexpr (Format::kHalves) {
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(broadcast_4(x[v]->half_sums), offset_pairs<Format>(s.pairs)));
    } else if constexpr (Format::kOffset != 0) {
      sum = _mm256_add_epi32(sum, offset<Format>(*x[v]));
    }
    __m256& a = acc[parts == 1 ? v : v / parts][half];
    a = accumulate(a, sum, *x[v], s.d);
    if constexpr (Format::kBias) a = add_bias(a, *x[v], s.bias);
  }
}

/// y for V = n_tokens * parts, so few that every weight meets them while it is unpacked in a register: one pass over
/// the weights, in the order they lie.
template <class Format, int V>
void stream(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  for (int64_t r = begin / kGroupRows * kGroupRows; r < end; r += kGroupRows) {
    const uint8_t* unit = a.w + r / kGroupRows * a.group_bytes;
    const Q8Block* x[V];
    for (int64_t v = 0; v < V; ++v) x[v] = a.x + v / a.parts * a.n_blocks * a.parts + v % a.parts;
    __m256 acc[V][2] = {};
    for (int64_t b = 0; b < a.n_blocks; b += Format::kBlocks, unit += kUnitBytes<Format>) {
      for (int j = 0; j < Format::kBlocks; ++j) {
        const uint8_t* const block = unit + Format::kHeader + j * kBlockBytes<Format>;
        for (int line = 0; line < kBlockBytes<Format>; line += 64) _mm_prefetch(block + kAhead + line, _MM_HINT_T0);
        few_products<Format, V>(unit, block, 0, x, a.parts, acc);
        few_products<Format, V>(unit, block, 1, x, a.parts, acc);
        for (const Q8Block*& at : x) at += a.parts;
      }
    }
    for (int64_t t = 0; t < a.n_tokens; ++t) {
      alignas(32) float sums[kGroupRows];
      for (int half = 0; half < 2; ++half) _mm256_store_ps(sums + 8 * half, acc[t][half]);
      const int64_t first = r < begin ? begin : r, last = smaller(r + kGroupRows, end);
      for (int64_t i = first; i < last; ++i) a.y[t * a.n_rows + i] = sums[i - r];
    }
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
