#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/quant/codec.h"
#include "run/kernels/math.h"
#include "run/kernels/ref/ref.h"

namespace adder::ref {
namespace {

/// One query head over its keys.
void attend(const AttentionArgs& a, int64_t t, int64_t head) {
  const int64_t D = a.head_dim, kv_head = head / (a.n_heads / a.n_kv_heads);
  const bool is_fp8 = a.kv_type == DType::kF8E4M3;
  const float scale = is_fp8 ? 0x1p8f * a.scale : a.scale, v_scale = is_fp8 ? 0x1p8f * a.v_scale : a.v_scale;
  const float* q = a.q + (t * a.n_heads + head) * D;
  float* o = a.out + (t * a.n_heads + head) * D;
  // out[i] = fma(factor, element first + i of the page, out[i])
  const auto add = [&](float factor, const std::byte* page, int64_t first, int64_t n, float* out) {
    std::array<float, kPiece> piece;
    for (int64_t i = 0; i < n; i += kPiece) {
      const int64_t some = std::min(kPiece, n - i);
      decode(a.kv_type, page + storage_bytes(a.kv_type, first + i), std::span(piece).first(static_cast<size_t>(some)));
      if (is_fp8)
        for (int64_t j = 0; j < some; ++j) piece[static_cast<size_t>(j)] *= 0x1p-8f;
      for (int64_t j = 0; j < some; ++j) out[i + j] = std::fma(factor, piece[static_cast<size_t>(j)], out[i + j]);
    }
  };

  std::fill_n(o, D, 0.0f);
  float max = -std::numeric_limits<float>::infinity(), sum = 0.0f;
  const int64_t n_keys = a.position + t + 1;
  for (int64_t page = 0; page * kKeyBlock < n_keys; ++page) {
    const int64_t n = std::min(kKeyBlock, n_keys - page * kKeyBlock);
    std::array<float, kKeyBlock> p{};
    float new_max = max;
    for (int64_t d = 0; d < D; ++d) add(q[d], a.k_pages[page], (kv_head * D + d) * kKeyBlock, n, p.data());
    for (int64_t j = 0; j < n; ++j) {
      p[static_cast<size_t>(j)] *= scale;
      new_max = std::max(new_max, p[static_cast<size_t>(j)]);
    }
    const float rescale = exp_f32(max - new_max);
    for (int64_t j = 0; j < n; ++j) p[static_cast<size_t>(j)] = exp_f32(p[static_cast<size_t>(j)] - new_max);
    sum = std::fma(sum, rescale, sum16(p.data(), kKeyBlock));
    for (int64_t d = 0; d < D; ++d) o[d] *= rescale;
    for (int64_t j = 0; j < n; ++j)
      add(p[static_cast<size_t>(j)], a.v_pages[page], (kv_head * kKeyBlock + j) * D, D, o);
    max = new_max;
  }
  for (int64_t d = 0; d < D; ++d) o[d] = o[d] / sum * v_scale;
}

}  // namespace

void attention(const AttentionArgs& a, int64_t begin, int64_t end) {
  for (int64_t item = begin; item < end; ++item) attend(a, item / a.n_heads, item % a.n_heads);
}

}  // namespace adder::ref
