#include <algorithm>

#include "core/quant/codec.h"
#include "run/kernels/ref/ref.h"

namespace adder::ref {
namespace {

constexpr int64_t kTokens = 16;  // that one decoding of a row serves

}  // namespace

void linear(const LinearArgs& a, int64_t begin, int64_t end) {
  const int64_t n_cols = a.w.shape.row_length(), n_rows = a.w.shape.rows();
  const bool is_fp8 = a.w.dtype == DType::kF8E4M3;
  const float scale = is_fp8 ? 0x1p8f * a.scale : a.scale;
  std::array<float, kPiece> piece;
  for (int64_t r = begin; r < end; ++r) {
    for (int64_t first = 0; first < a.n_tokens; first += kTokens) {
      const int64_t n_tokens = std::min(kTokens, a.n_tokens - first);
      std::array<DotLanes, kTokens> dots{};
      for (int64_t k = 0; k < n_cols; k += kPiece) {
        const int64_t n = std::min(kPiece, n_cols - k);
        const auto weights = std::span(piece).first(static_cast<size_t>(n));
        decode(a.w.dtype, a.w.row(r) + storage_bytes(a.w.dtype, k), weights);
        if (is_fp8)
          for (float& w : weights) w *= 0x1p-8f;
        for (int64_t t = 0; t < n_tokens; ++t)
          dots[static_cast<size_t>(t)].add(piece.data(), a.x + (first + t) * n_cols + k, n);
      }
      for (int64_t t = 0; t < n_tokens; ++t)
        a.y[(first + t) * n_rows + r] = dots[static_cast<size_t>(t)].total() * scale;
    }
  }
}

}  // namespace adder::ref
