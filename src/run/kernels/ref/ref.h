#pragma once

#include <array>

#include "run/kernels/ops.h"

namespace adder::ref {

/// Weights, keys and values are decoded so many at a time, whole blocks of any format: kernels take no memory, for a
/// pass that has begun cannot fail.
inline constexpr int64_t kPiece = 256;

/// The normative bodies; equations in run/kernels/ops.h.
void linear(const LinearArgs& a, int64_t begin, int64_t end);
void quantize_rows(const QuantizeRowsArgs& a, int64_t begin, int64_t end);
void linear_q8(const LinearQ8Args& a, int64_t begin, int64_t end);
void rms_norm(const RmsNormArgs& a, int64_t begin, int64_t end);
void gated_norm(const GatedNormArgs& a, int64_t begin, int64_t end);
void conv_silu(const ConvSiluArgs& a, int64_t begin, int64_t end);
void ssd_output(const SsdOutputArgs& a, int64_t begin, int64_t end);
void ssd_advance(const SsdAdvanceArgs& a, int64_t begin, int64_t end);
void attention(const AttentionArgs& a, int64_t begin, int64_t end);
void relu2(float* x, int64_t begin, int64_t end);
void add(float* x, const float* y, int64_t begin, int64_t end);
void softplus(float* x, const float* bias, int64_t n);
void to_kv(DType kv_type, float scale, const float* x, std::byte* out, int64_t n);

/// To F32, F16 or BF16, to nearest even.
void round_to(DType dtype, const float* x, std::byte* out, int64_t n);

/// Sixteen partial sums; see ops.h.
inline constexpr int64_t kLanes = 16;
struct DotLanes {
  std::array<float, kLanes> lanes{};
  /// The next n terms of the sum. n % kLanes == 0, but for the last.
  void add(const float* a, const float* b, int64_t n);
  float total() const;
};
float dot16(const float* a, const float* b, int64_t n);
float sum16(const float* a, int64_t n);

}  // namespace adder::ref
