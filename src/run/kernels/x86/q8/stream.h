#pragma once

#include "run/kernels/x86/bodies/lanes.h"
#include "run/kernels/x86/q8/block.h"

namespace adder::ADDER_LEVEL {
namespace {

/// Groups of rows that are read side by side, a turn of so many bytes each (at least): what fetches ahead of a core
/// stops at the end of every page, and has another one under way then (docs/performance.md, section 13).
constexpr int64_t kGroupStreams = 2, kTurn = 512;
/// How far ahead of the products memory is asked for in each.
constexpr int kAhead = 1536;

/// Blocks [b, last) of one group of rows, whose units begin at `unit`: every weight meets T tokens while it is in a
/// register.
template <class Format, int parts, int T>
inline void take_turn(const FlatLinearQ8& a, int64_t b, int64_t last, const uint8_t*& unit,
                      F (&sums)[kGroupRegisters][T][1]) {
  const Q8Block* x[T];
  for (int t = 0; t < T; ++t) x[t] = a.x + (t * a.n_blocks + b) * parts;
  F acc[kGroupRegisters][T][1];
  for (int i = 0; i < kGroupRegisters; ++i) {
    for (int t = 0; t < T; ++t) acc[i][t][0] = sums[i][t][0];
  }
  for (; b < last; b += Format::kBlocks, unit += kUnitBytes<Format>) {
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
  for (int i = 0; i < kGroupRegisters; ++i) {
    for (int t = 0; t < T; ++t) sums[i][t][0] = acc[i][t][0];
  }
}

/// y for T tokens, so few that unpacked weights are not kept: one pass over the weights, each group in the order it
/// lies.
template <class Format, int parts, int T>
void stream(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  constexpr int64_t kTurnBlocks = (kTurn + kUnitBytes<Format> - 1) / kUnitBytes<Format> * Format::kBlocks;
  const int64_t first_group = begin / kGroupRows, groups = (end + kGroupRows - 1) / kGroupRows - first_group,
                each = (groups + kGroupStreams - 1) / kGroupStreams;
  for (int64_t g = 0; g < each; ++g) {
    const int64_t streams = smaller(kGroupStreams, (groups - g + each - 1) / each);
    const uint8_t* unit[kGroupStreams];
    F sums[kGroupStreams][kGroupRegisters][T][1] = {};
    for (int64_t s = 0; s < streams; ++s) unit[s] = a.w + (first_group + s * each + g) * a.group_bytes;
    for (int64_t b = 0; b < a.n_blocks; b += kTurnBlocks) {
      const int64_t last = smaller(b + kTurnBlocks, a.n_blocks);
      for (int64_t s = 0; s < streams; ++s) take_turn<Format, parts, T>(a, b, last, unit[s], sums[s]);
    }
    for (int64_t s = 0; s < streams; ++s) {
      const int64_t r = (first_group + s * each + g) * kGroupRows;
      const int64_t first = r < begin ? begin : r, last = smaller(r + kGroupRows, end);
      for (int t = 0; t < T; ++t) {
        float rows[kGroupRows];
        for (int i = 0; i < kGroupRegisters; ++i) store(rows + kWidth * i, sums[s][i][t][0]);
        write_rows(a, t, rows, r, first, last);
      }
    }
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
