#pragma once

#include "run/kernels/x86/q8/panel.h"
#include "run/kernels/x86/q8/stream.h"

namespace adder::ADDER_LEVEL {
namespace {

/// T counts up to the tokens that are there.
template <class Format, int parts, int T = 1>
void by_tokens(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  if constexpr (T * parts > kMostStreamed<Format>) {
    by_panels<Format, parts>(a, begin, end);
  } else if (a.n_tokens == T) {
    stream<Format, parts, T>(a, begin, end);
  } else {
    by_tokens<Format, parts, T + 1>(a, begin, end);
  }
}

template <class Format>
void q8_product(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  a.parts == 1 ? by_tokens<Format, 1>(a, begin, end) : by_tokens<Format, 2>(a, begin, end);
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
      __builtin_unreachable();  // packed_format
  }
}

}  // namespace adder::ADDER_LEVEL
