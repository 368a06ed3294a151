#pragma once

#include "run/kernels/x86/q8/dispatch.h"
#include "run/kernels/x86/q8/panel.h"
#include "run/kernels/x86/q8/stream.h"

namespace adder::ADDER_LEVEL {
namespace {

/// Few tokens meet weights on their way through a register, many meet panels of them. T counts up to those that are
/// there.
struct ByTokens {
  template <class Format, int parts, int T = 1>
  static void product(const FlatLinearQ8& a, int64_t begin, int64_t end) {
    if constexpr (T * parts > kMostStreamed<Format>) {
      by_panels<Panel, Format, parts>(a, begin, end);
    } else if (a.n_tokens == T) {
      stream<Format, parts, T>(a, begin, end);
    } else {
      product<Format, parts, T + 1>(a, begin, end);
    }
  }
};

}  // namespace

void linear_q8(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  q8_product<ByTokens>(a, begin, end);
}

}  // namespace adder::ADDER_LEVEL
