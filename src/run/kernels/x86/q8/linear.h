#pragma once

#include "run/kernels/x86/q8/panel.h"
#include "run/kernels/x86/q8/stream.h"

namespace adder::ADDER_LEVEL {
namespace {

template <class Format>
void q8_product(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  switch (a.n_tokens * a.parts) {
    case 1:
      return stream<Format, 1>(a, begin, end);
    case 2:
      return stream<Format, 2>(a, begin, end);
    case 3:
      return stream<Format, 3>(a, begin, end);
    case 4:
      return stream<Format, 4>(a, begin, end);
    default:
      return by_panels<Format>(a, begin, end);
  }
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
