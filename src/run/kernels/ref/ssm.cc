#include <algorithm>
#include <array>
#include <cmath>

#include "core/quant/codec.h"
#include "run/kernels/math.h"
#include "run/kernels/ref/ref.h"

namespace adder::ref {
namespace {

std::byte* state_at(const SsdChunk& s, int64_t element) {
  return s.state + storage_bytes(s.state_type, element);
}

}  // namespace

void conv_silu(const ConvSiluArgs& a, int64_t begin, int64_t end) {
  for (int64_t t = 0; t < a.n_tokens; ++t) {
    for (int64_t c = begin; c < end; ++c) {
      a.log[(a.kernel - 1 + t) * a.conv_dim + c] = a.in[t * a.in_stride + c];
      float sum = a.b[c];
      for (int64_t k = 0; k < a.kernel; ++k)
        sum = std::fma(a.w[k * a.conv_dim + c], a.log[(t + k) * a.conv_dim + c], sum);
      a.out[t * a.conv_dim + c] = silu(sum);
    }
  }
}

void ssd_output(const SsdOutputArgs& a, int64_t begin, int64_t end) {
  const SsdChunk& s = a.chunk;
  const int64_t P = s.head_dim, N = s.state_size, heads_per_group = s.n_heads / s.n_groups;
  std::array<float, kPiece> row;
  for (int64_t i = a.first; i < a.last; ++i) {
    for (int64_t h = begin; h < end; ++h) {
      const int64_t g = h / heads_per_group;
      const float* c = a.c + (i - a.first) * a.c_stride + g * N;
      float* y = a.y + ((i - a.first) * s.n_heads + h) * P;
      const float cs = s.cs[i * s.n_heads + h];
      const float decay = exp_f32(cs);
      for (int64_t p = 0; p < P; p += kPiece) {
        const int64_t some = std::min(kPiece, P - p);
        std::fill_n(y + p, some, 0.0f);
        for (int64_t n = 0; n < N && !s.from_zero; ++n) {
          decode(s.state_type, state_at(s, (h * N + n) * P + p), std::span(row).first(static_cast<size_t>(some)));
          for (int64_t k = 0; k < some; ++k) y[p + k] = std::fma(c[n], row[static_cast<size_t>(k)], y[p + k]);
        }
        for (int64_t k = p; k < p + some; ++k) y[k] = decay * y[k];
      }
      for (int64_t j = 0; j <= i; ++j) {
        const float weight = exp_f32(cs - s.cs[j * s.n_heads + h]) * s.dt[j * s.n_heads + h];
        const float mix = weight * dot16(c, s.b + j * s.b_stride + g * N, N);
        const float* x = s.x + j * s.x_stride + h * P;
        for (int64_t p = 0; p < P; ++p) y[p] = std::fma(mix, x[p], y[p]);
      }
      const float* x = s.x + i * s.x_stride + h * P;
      for (int64_t p = 0; p < P; ++p) y[p] = std::fma(a.d[h], x[p], y[p]);
    }
  }
}

void ssd_advance(const SsdAdvanceArgs& a, int64_t begin, int64_t end) {
  const SsdChunk& s = a.chunk;
  const int64_t P = s.head_dim, N = s.state_size, heads_per_group = s.n_heads / s.n_groups;
  std::array<float, kPiece> row;
  for (int64_t h = begin; h < end; ++h) {
    const float cs_last = s.cs[(a.n_positions - 1) * s.n_heads + h];
    const float decay = exp_f32(cs_last);
    std::array<float, kMaxChunk> weight;
    for (int64_t j = 0; j < a.n_positions; ++j)
      weight[static_cast<size_t>(j)] = exp_f32(cs_last - s.cs[j * s.n_heads + h]) * s.dt[j * s.n_heads + h];
    for (int64_t n = 0; n < N; ++n) {
      const float* b = s.b + h / heads_per_group * N + n;
      for (int64_t p = 0; p < P; p += kPiece) {
        const int64_t some = std::min(kPiece, P - p);
        std::byte* const state = state_at(s, (h * N + n) * P + p);
        if (s.from_zero) {
          row.fill(0.0f);
        } else {
          decode(s.state_type, state, std::span(row).first(static_cast<size_t>(some)));
        }
        for (int64_t k = 0; k < some; ++k) row[static_cast<size_t>(k)] *= decay;
        for (int64_t j = 0; j < a.n_positions; ++j) {
          const float* x = s.x + j * s.x_stride + h * P + p;
          for (int64_t k = 0; k < some; ++k) {
            float& cell = row[static_cast<size_t>(k)];
            cell = std::fma(weight[static_cast<size_t>(j)] * x[k], b[j * s.b_stride], cell);
          }
        }
        round_to(s.state_type, row.data(), state, some);
      }
    }
  }
}

}  // namespace adder::ref
