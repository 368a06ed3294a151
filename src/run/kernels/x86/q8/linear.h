#pragma once

#include "run/kernels/x86/bodies/lanes.h"
#include "run/kernels/x86/flat.h"
#include "run/kernels/x86/q8/panel.h"

namespace adder::ADDER_LEVEL {
namespace {

constexpr int64_t kQ8Tokens = 128;  // their sums of 32 rows, 16 KB, stay near
constexpr int64_t kFewTokens = 1;   // up to here unpacking a panel costs more than it saves

/// Up to eight rows from r on; behind the last one, the last one again.
inline void row_pointers(const FlatLinearQ8& a, int64_t r, int64_t end, const uint8_t* (&rows)[8]) {
  for (int64_t i = 0; i < 8; ++i) rows[i] = a.w + smaller(r + i, end - 1) * a.row_bytes;
}

template <class Format>
void one_by_one(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; r += 8) {
    const uint8_t* const next = a.w + smaller(r + 8, end - 1) * a.row_bytes;
    for (int64_t t = 0; t < a.n_tokens; ++t) {
      OneToken<Format> dots;
      row_pointers(a, r, end, dots.rows);
      dots.x = a.x + t * a.n_blocks * a.parts;
      dots.parts = a.parts;
      for (int64_t i = 0; i < a.n_blocks; i += Format::kBlocks) {
        // The next rows, at the pace of these: one stream of memory instead of eight.
        const uint8_t* const ahead = next + i / Format::kBlocks * 8 * Format::kBytes;
        for (int line = 0; line < 8 * Format::kBytes; line += 64) _mm_prefetch(ahead + line, _MM_HINT_T0);
        dots.storage_block();
      }
      alignas(32) float sums[8];
      _mm256_store_ps(sums, dots.acc);
      for (int64_t i = 0; i < smaller(8, end - r); ++i) a.y[t * a.n_rows + r + i] = sums[i];
    }
  }
}

template <class Format>
void by_panels(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  constexpr int kRows = 8 * kGroups;
  alignas(32) float sums[kQ8Tokens * kRows];
  Panel<Format> panel;
  for (int64_t t0 = 0; t0 < a.n_tokens; t0 += kQ8Tokens) {
    const int64_t n_tokens = smaller(kQ8Tokens, a.n_tokens - t0);
    for (int64_t r = begin; r < end; r += kRows) {
      const uint8_t* rows[kGroups][8];
      for (int g = 0; g < kGroups; ++g) row_pointers(a, r + 8 * g, end, rows[g]);
      for (int64_t i = 0; i < n_tokens * kRows; ++i) sums[i] = 0.0f;
      for (int64_t b = 0; b < a.n_blocks; b += panel.n_blocks) {
        const int64_t n = smaller(kPanelBlocks, a.n_blocks - b) / Format::kBlocks;
        for (int g = 0; g < kGroups; ++g) {
          panel.unpack(g, rows[g], static_cast<int>(n));
          for (const uint8_t*& row : rows[g]) row += n * Format::kBytes;
        }
        const Q8Block* x = a.x + (t0 * a.n_blocks + b) * a.parts;
        for (int64_t t = 0; t < n_tokens; ++t, x += a.n_blocks * a.parts) tile(panel, x, a.parts, sums + kRows * t);
      }
      for (int64_t t = 0; t < n_tokens; ++t) {
        for (int64_t i = 0; i < smaller(kRows, end - r); ++i) a.y[(t0 + t) * a.n_rows + r + i] = sums[kRows * t + i];
      }
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
