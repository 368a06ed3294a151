#include <cstring>

#include "core/base/half.h"
#include "run/kernels/math.h"
#include "run/kernels/ref/ref.h"

namespace adder::ref {

void relu2(float* x, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const float positive = 0.0f > x[i] ? 0.0f : x[i];  // lets NaN through
    x[i] = positive * positive;
  }
}

void add(float* x, const float* y, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) x[i] += y[i];
}

void softplus(float* x, const float* bias, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = adder::softplus(x[i] + bias[i]);
}

void to_kv(DType kv_type, float scale, const float* x, std::byte* out, int64_t n) {
  if (kv_type != DType::kF8E4M3) return round_to(kv_type, x, out, n);
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<std::byte>(float_to_e4m3(x[i] / scale));
}

void round_to(DType dtype, const float* x, std::byte* out, int64_t n) {
  CHECK(dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16, "{}", name(dtype));
  if (dtype == DType::kF32) {
    std::memcpy(out, x, storage_bytes(dtype, n));
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    const uint16_t bits = dtype == DType::kF16 ? float_to_half(x[i]) : float_to_bf16(x[i]);
    std::memcpy(out + 2 * i, &bits, sizeof bits);
  }
}

}  // namespace adder::ref
