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

template <class E>
void round_to(const float* x, std::byte* out, int64_t n) {
  for (int64_t i = 0; i < n; i += kWidth) store(reinterpret_cast<E*>(out) + i, load(x + i, n - i), n - i);
}

void to_kv(DType kv_type, float scale, const float* x, std::byte* out, int64_t n) {
  switch (kv_type) {
    case DType::kF16:
      return round_to<Half>(x, out, n);
    case DType::kBF16:
      return round_to<BFloat>(x, out, n);
    case DType::kF8E4M3:
      return to_fp8_scalar(scale, x, out, n);
    default:
      return round_to<float>(x, out, n);
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
