#pragma once

#include "run/kernels/x86/bodies/lanes.h"
#include "run/kernels/x86/flat.h"
#include "run/kernels/x86/q8/panel.h"

namespace adder::ADDER_LEVEL {
namespace {

constexpr int64_t kQ8Tokens = 256;  // their sums of eight rows stay in the first-level cache
constexpr int64_t kFewTokens = 1;   // up to here unpacking a panel costs more than it saves

/// Up to eight rows from r on; behind the last one, the last one again.
inline void row_pointers(const FlatLinearQ8& a, int64_t r, int64_t end, const uint8_t* (&rows)[8]) {
  for (int64_t i = 0; i < 8; ++i) rows[i] = a.w + smaller(r + i, end - 1) * a.row_bytes;
}

inline void put(const FlatLinearQ8& a, const float* sums, int64_t t, int64_t r, int64_t end) {
  for (int64_t i = 0; i < smaller(8, end - r); ++i) a.y[t * a.n_rows + r + i] = sums[i];
}

template <class Format>
void one_by_one(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; r += 8) {
    const uint8_t* const next = a.w + smaller(r + 8, end - 1) * a.row_bytes;
    for (int64_t t = 0; t < a.n_tokens; ++t) {
      OneToken<Format> dots;
      row_pointers(a, r, end, dots.rows);
      dots.x = a.x + t * a.n_blocks;
      for (int64_t i = 0; i < a.n_blocks; i += Format::kBlocks) {
        // The next rows, at the pace of these: one stream of memory instead of eight.
        const uint8_t* const ahead = next + i / Format::kBlocks * 8 * Format::kBytes;
        for (int line = 0; line < 8 * Format::kBytes; line += 64) _mm_prefetch(ahead + line, _MM_HINT_T0);
        dots.storage_block();
      }
      alignas(32) float sums[8];
      _mm256_store_ps(sums, dots.acc);
      put(a, sums, t, r, end);
    }
  }
}

template <class Format>
void by_panels(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  alignas(32) float sums[kQ8Tokens * 8];
  Panel<Format> panel;
  for (int64_t t0 = 0; t0 < a.n_tokens; t0 += kQ8Tokens) {
    const int64_t n_tokens = smaller(kQ8Tokens, a.n_tokens - t0);
    for (int64_t r = begin; r < end; r += 8) {
      const uint8_t* rows[8];
      row_pointers(a, r, end, rows);
      for (int64_t i = 0; i < n_tokens * 8; ++i) sums[i] = 0.0f;
      for (int64_t b = 0; b < a.n_blocks; b += panel.n_blocks) {
        const int64_t n = smaller(Panel<Format>::kMost, a.n_blocks - b) / Format::kBlocks;
        panel.unpack(rows, static_cast<int>(n));
        const Q8Block* const x = a.x + t0 * a.n_blocks + b;
        int64_t t = 0;
        for (; t + 4 <= n_tokens; t += 4) tile<Format, 4>(panel, x + t * a.n_blocks, a.n_blocks, sums + 8 * t);
        for (; t < n_tokens; ++t) tile<Format, 1>(panel, x + t * a.n_blocks, a.n_blocks, sums + 8 * t);
        for (const uint8_t*& row : rows) row += n * Format::kBytes;
      }
      for (int64_t t = 0; t < n_tokens; ++t) put(a, sums + 8 * t, t0 + t, r, end);
    }
  }
}

template <class Format>
void q8_product(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  a.n_tokens <= kFewTokens ? one_by_one<Format>(a, begin, end) : by_panels<Format>(a, begin, end);
}

}  // namespace

void linear_q8(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  switch (a.dtype) {
    case DType::kQ8_0:
      return q8_product<Q8_0>(a, begin, end);
    case DType::kQ4_0:
      return q8_product<Q4_0>(a, begin, end);
    case DType::kQ4_1:
      return q8_product<Q4_1>(a, begin, end);
    case DType::kQ5_0:
      return q8_product<Q5_0>(a, begin, end);
    case DType::kQ5_1:
      return q8_product<Q5_1>(a, begin, end);
    case DType::kIQ4_NL:
      return q8_product<IQ4_NL>(a, begin, end);
    case DType::kQ4_K:
      return q8_product<Q4_K>(a, begin, end);
    case DType::kQ5_K:
      return q8_product<Q5_K>(a, begin, end);
    case DType::kQ6_K:
      return q8_product<Q6_K>(a, begin, end);
    default:
      __builtin_unreachable();  // has_q8_product
  }
}

}  // namespace adder::ADDER_LEVEL
