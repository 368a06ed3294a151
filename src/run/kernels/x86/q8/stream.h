#pragma once

#include "run/kernels/x86/bodies/lanes.h"
#include "run/kernels/x86/q8/block.h"

namespace adder::ADDER_LEVEL {
namespace {

/// How far ahead of the products memory is asked for.
constexpr int kAhead = 2048;

/// y for T tokens, so few that every weight meets them while it is unpacked in a register: one pass over the weights,
/// in the order they lie.
template <class Format, int parts, int T>
void stream(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  for (int64_t r = begin / kGroupRows * kGroupRows; r < end; r += kGroupRows) {
    const uint8_t* unit = a.w + r / kGroupRows * a.group_bytes;
    const Q8Block* x[T];
    for (int t = 0; t < T; ++t) x[t] = a.x + t * a.n_blocks * parts;
    F acc[kGroupRegisters][T][1] = {};
    for (int64_t b = 0; b < a.n_blocks; b += Format::kBlocks, unit += kUnitBytes<Format>) {
      for (int j = 0; j < Format::kBlocks; ++j) {
        const uint8_t* const block = unit + Format::kHeader + j * kBlockBytes<Format>;
        for (int line = 0; line < kBlockBytes<Format>; line += 64) _mm_prefetch(block + kAhead + line, _MM_HINT_T0);
        for (int i = 0; i < kGroupRegisters; ++i) {
          const PackedBlock<Format> w[1] = {{unit, block, kWidth * i}};
          add_block<parts>(w, x, acc[i]);
        }
        for (const Q8Block*& at : x) at += parts;
      }
    }
    const int64_t first = r < begin ? begin : r, last = smaller(r + kGroupRows, end);
    for (int t = 0; t < T; ++t) {
      float sums[kGroupRows];
      for (int i = 0; i < kGroupRegisters; ++i) store(sums + kWidth * i, acc[i][t][0]);
      write_rows(a, t, sums, r, first, last);
    }
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
