#include <algorithm>

#include "core/quant/codec.h"
#include "run/kernels/ref/ref.h"

namespace adder::ref {
namespace {

constexpr int64_t kTokens = 16;  // that one decoding of a row serves

}  // namespace

void linear(const LinearArgs& a, int64_t begin, int64_t end) {
  const int64_t n_cols = a.w.shape.row_length(), n_rows = a.w.shape.rows();
  std::array<float, kPiece> piece;
  for (int64_t r = begin; r < end; ++r) {
    for (int64_t first = 0; first < a.n_tokens; first += kTokens) {
      const int64_t n_tokens = std::min(kTokens, a.n_tokens - first);
      std::array<DotLanes, kTokens> dots{};
      for (int64_t k = 0; k < n_cols; k += kPiece) {
        const int64_t n = std::min(kPiece, n_cols - k);
        decode(a.w.dtype, a.w.row(r) + storage_bytes(a.w.dtype, k), std::span(piece).first(static_cast<size_t>(n)));
        for (int64_t t = 0; t < n_tokens; ++t)
          dots[static_cast<size_t>(t)].add(piece.data(), a.x + (first + t) * n_cols + k, n);
      }
      for (int64_t t = 0; t < n_tokens; ++t) a.y[(first + t) * n_rows + r] = dots[static_cast<size_t>(t)].total();
    }
  }
}

}  // namespace adder::ref
