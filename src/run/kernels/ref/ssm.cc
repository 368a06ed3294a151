#include <cmath>

#include "run/kernels/math.h"
#include "run/kernels/ref/ref.h"

namespace adder::ref {

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
  for (int64_t i = a.first; i < a.last; ++i) {
    for (int64_t h = begin; h < end; ++h) {
      const int64_t g = h / heads_per_group;
      const float* c = a.c + (i - a.first) * a.c_stride + g * N;
      float* y = a.y + ((i - a.first) * s.n_heads + h) * P;
      const float cs = s.cs[i * s.n_heads + h];
      const float decay = exp_f32(cs);
      const float* state = s.state + h * N * P;
      for (int64_t p = 0; p < P; ++p) {
        float sum = 0.0f;
        for (int64_t n = 0; n < N; ++n) sum = std::fma(c[n], state[n * P + p], sum);
        y[p] = decay * sum;
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
  for (int64_t h = begin; h < end; ++h) {
    float* state = s.state + h * P * N;
    const float cs_last = s.cs[(a.n_positions - 1) * s.n_heads + h];
    const float decay = exp_f32(cs_last);
    for (int64_t k = 0; k < P * N; ++k) state[k] *= decay;
    for (int64_t j = 0; j < a.n_positions; ++j) {
      const float weight = exp_f32(cs_last - s.cs[j * s.n_heads + h]) * s.dt[j * s.n_heads + h];
      const float* b = s.b + j * s.b_stride + h / heads_per_group * N;
      for (int64_t p = 0; p < P; ++p) {
        const float u = weight * s.x[j * s.x_stride + h * P + p];
        for (int64_t n = 0; n < N; ++n) state[n * P + p] = std::fma(u, b[n], state[n * P + p]);
      }
    }
  }
}

}  // namespace adder::ref
