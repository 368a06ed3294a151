#pragma once

#include "run/kernels/x86/bodies/dot.h"
#include "run/kernels/x86/flat.h"

namespace adder::ADDER_LEVEL {
namespace {

void normalise(const float* x, const float* w, float* y, int64_t width, float eps) {
  const float mean = dot16(x, x, width) / static_cast<float>(width);
  const F scale = div(set1(1.0f), sqrt(set1(mean + eps)));
  for (int64_t i = 0; i < width; i += kWidth) {
    const int64_t left = width - i;
    store(y + i, mul(mul(load(x + i, left), scale), load(w + i, left)), left);
  }
}

void rms_norm(const RmsNormArgs& a, int64_t begin, int64_t end) {
  for (int64_t t = begin; t < end; ++t) normalise(a.x + t * a.width, a.w, a.y + t * a.width, a.width, a.eps);
}

void gated_norm(const GatedNormArgs& a, int64_t begin, int64_t end) {
  const int64_t width = a.d_inner / a.n_groups;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t t = item / a.n_groups, first = item % a.n_groups * width;
    const float* y = a.y + t * a.d_inner + first;
    const float* z = a.z + t * a.z_stride + first;
    float* out = a.out + t * a.d_inner + first;
    for (int64_t i = 0; i < width; i += kWidth) {
      store(out + i, mul(load(y + i, width - i), silu(load(z + i, width - i))), width - i);
    }
    normalise(out, a.w + first, out, width, a.eps);
  }
}

void relu2(float* x, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += kWidth) {
    const F positive = max(zero(), load(x + i, end - i));
    store(x + i, mul(positive, positive), end - i);
  }
}

void add_to(float* x, const float* y, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += kWidth) {
    store(x + i, add(load(x + i, end - i), load(y + i, end - i)), end - i);
  }
}

/// float_to_bf16: round to nearest even by an addition, NaN kept quiet.
inline I to_bf16(F x) {
  const I u = bits(x);
  const I high = shift_right(u, 16);
  const I rounded = shift_right(add(add(u, set1(0x7fff)), bit_and(high, set1(1))), 16);
  return select_number(x, rounded, bit_or(high, set1(0x40)));
}

void to_kv(DType kv_type, const float* x, std::byte* out, int64_t n) {
  for (int64_t i = 0; i < n; i += kWidth) {
    const int64_t left = n - i;
    const F values = load(x + i, left);
    if (kv_type == DType::kF32) {
      store(reinterpret_cast<float*>(out) + i, values, left);
      continue;
    }
    Half halves[kWidth];
    if (kv_type == DType::kF16) {
      store(halves, values);
    } else {
      store_low16(halves, to_bf16(values));
    }
    for (int64_t l = 0; l < smaller(left, kWidth); ++l) reinterpret_cast<Half*>(out)[i + l] = halves[l];
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
