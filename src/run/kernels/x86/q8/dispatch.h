#pragma once

#include "run/kernels/x86/q8/formats.h"

namespace adder::ADDER_LEVEL {
namespace {

template <class Op, class Format>
void by_parts(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  a.parts == 1 ? Op::template product<Format, 1>(a, begin, end) : Op::template product<Format, 2>(a, begin, end);
}

/// Op::product<Format, parts>(a, begin, end) for those that `a` is of.
template <class Op>
void q8_product(const FlatLinearQ8& a, int64_t begin, int64_t end) {
  switch (a.dtype) {
    case DType::kQ8_0:
      return by_parts<Op, Q8_0>(a, begin, end);
    case DType::kQ4_0:
      return by_parts<Op, Q4_0>(a, begin, end);
    case DType::kQ4_1:
      return by_parts<Op, Q4_1>(a, begin, end);
    case DType::kQ5_0:
      return by_parts<Op, Q5_0>(a, begin, end);
    case DType::kQ5_1:
      return by_parts<Op, Q5_1>(a, begin, end);
    case DType::kIQ4_NL:
      return by_parts<Op, IQ4_NL>(a, begin, end);
    case DType::kQ4_K:
      return by_parts<Op, Q4_K>(a, begin, end);
    case DType::kQ5_K:
      return by_parts<Op, Q5_K>(a, begin, end);
    case DType::kQ6_K:
      return by_parts<Op, Q6_K>(a, begin, end);
    default:
      __builtin_unreachable();  // packed_format
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
