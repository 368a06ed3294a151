#pragma once

#include "run/kernels/x86/bodies/dot.h"
#include "run/kernels/x86/flat.h"

namespace adder::ADDER_LEVEL {
namespace {

void conv_silu(const ConvSiluArgs& a, int64_t begin, int64_t end) {
  for (int64_t t = begin; t < end; ++t) {
    for (int64_t c = 0; c < a.conv_dim; c += kWidth) {
      const int64_t left = a.conv_dim - c;
      F sum = load(a.b + c, left);
      for (int64_t k = 0; k < a.kernel; ++k) {
        sum = fma(load(a.w + k * a.conv_dim + c, left), load(a.in + (t + k) * a.conv_dim + c, left), sum);
      }
      store(a.out + t * a.conv_dim + c, silu(sum), left);
    }
  }
}

/// Positions whose weights are computed at once, and outputs that share one pass over them.
constexpr int64_t kPositions = 64, kOutputs = 16;

/// weight[j] = exp(cs - cs_j) * dt_j of head h, for n <= kPositions positions from `first` on.
inline void decayed_steps(const SsdChunk& s, int64_t h, float cs, int64_t first, int64_t n, float* weight) {
  float dt[kPositions] = {};
  for (int64_t j = 0; j < n; ++j) {
    weight[j] = s.cs[(first + j) * s.n_heads + h];
    dt[j] = s.dt[(first + j) * s.n_heads + h];
  }
  for (int64_t j = 0; j < n; j += kWidth) {
    const F decay = exp(sub(set1(cs), load(weight + j, n - j)));
    store(weight + j, mul(decay, load(dt + j, n - j)), n - j);
  }
}

/// y = exp(cs) * state c for the heads of one group and n outputs from position i0 on.
void state_part(const SsdOutputArgs& a, int64_t g, int64_t begin, int64_t end, int64_t i0, int64_t n) {
  const SsdChunk& s = a.chunk;
  const int64_t P = s.head_dim, N = s.state_size, d_inner = s.n_heads * P;
  const Matrix<float> c{a.c + (i0 - a.first) * a.c_stride + g * N, a.c_stride, n};
  for (int64_t h = begin; h < end; ++h) {
    float* y = a.y + (i0 - a.first) * d_inner + h * P;
    dot_matrix(Matrix<float>{s.state + h * P * N, N, P}, c, N, y, 1, d_inner);
    for (int64_t i = 0; i < n; ++i) {
      const F decay = set1(exp(s.cs[(i0 + i) * s.n_heads + h]));
      float* row = y + i * d_inner;
      for (int64_t p = 0; p < P; p += kWidth) store(row + p, mul(decay, load(row + p, P - p)), P - p);
    }
  }
}

/// y += what positions j0 .. of the chunk give to outputs i0 .. i0 + n, C B^T computed once for the group.
void chunk_part(const SsdOutputArgs& a, int64_t g, int64_t begin, int64_t end, int64_t i0, int64_t n, int64_t j0) {
  const SsdChunk& s = a.chunk;
  const int64_t P = s.head_dim, N = s.state_size, d_inner = s.n_heads * P;
  const int64_t n_positions = smaller(kPositions, i0 + n - j0);
  float gram[kOutputs * kPositions];
  dot_matrix(Matrix<float>{s.b + j0 * s.b_stride + g * N, s.b_stride, n_positions},
             Matrix<float>{a.c + (i0 - a.first) * a.c_stride + g * N, a.c_stride, n}, N, gram, 1, kPositions);
  for (int64_t h = begin; h < end; ++h) {
    for (int64_t i = i0; i < i0 + n; ++i) {
      const int64_t seen = smaller(n_positions, i + 1 - j0);
      if (seen <= 0) continue;
      float weight[kPositions];
      decayed_steps(s, h, s.cs[i * s.n_heads + h], j0, seen, weight);
      const float* dots = gram + (i - i0) * kPositions;
      for (int64_t j = 0; j < seen; j += kWidth) {
        store(weight + j, mul(load(weight + j, seen - j), load(dots + j, seen - j)), seen - j);
      }
      mix(weight, seen, s.x + j0 * s.x_stride + h * P, s.x_stride, a.y + (i - a.first) * d_inner + h * P, P);
    }
  }
}

void ssd_output(const SsdOutputArgs& a, int64_t begin, int64_t end) {
  const SsdChunk& s = a.chunk;
  const int64_t P = s.head_dim, heads_per_group = s.n_heads / s.n_groups;
  for (int64_t h0 = begin; h0 < end;) {
    const int64_t g = h0 / heads_per_group;
    const int64_t h1 = smaller(end, (g + 1) * heads_per_group);
    for (int64_t i0 = a.first; i0 < a.last; i0 += kOutputs) {
      const int64_t n = smaller(kOutputs, a.last - i0);
      state_part(a, g, h0, h1, i0, n);
      for (int64_t j0 = 0; j0 < i0 + n; j0 += kPositions) chunk_part(a, g, h0, h1, i0, n, j0);
      for (int64_t i = i0; i < i0 + n; ++i) {
        for (int64_t h = h0; h < h1; ++h) {
          mix(a.d + h, 1, s.x + i * s.x_stride + h * P, s.x_stride, a.y + ((i - a.first) * s.n_heads + h) * P, P);
        }
      }
    }
    h0 = h1;
  }
}

/// Rows of the state that go through the positions together.
constexpr int kStateRows = 4;

/// Q registers of kStateRows rows: state = state * decay, then fma(u[j], b[j], state), j < n in order. Of a short last
/// register only the first `left` lanes exist.
template <int Q, bool kShort>
inline void advance_tile(const float* u, int64_t n, const float* b, int64_t b_stride, F decay,
                         float* const (&state)[kStateRows], int64_t offset, int64_t left) {
  const auto read = [left](const float* p) { return kShort ? load(p, left) : load(p); };
  F sum[kStateRows][Q];
  for (int r = 0; r < kStateRows; ++r) {
    for (int q = 0; q < Q; ++q) sum[r][q] = mul(read(state[r] + offset + q * kWidth), decay);
  }
  for (int64_t j = 0; j < n; ++j) {
    F row[Q];
    for (int q = 0; q < Q; ++q) row[q] = read(b + j * b_stride + offset + q * kWidth);
    for (int r = 0; r < kStateRows; ++r) {
      const F scale = set1(u[j * kStateRows + r]);
      for (int q = 0; q < Q; ++q) sum[r][q] = fma(scale, row[q], sum[r][q]);
    }
  }
  for (int r = 0; r < kStateRows; ++r) {
    for (int q = 0; q < Q; ++q) store(state[r] + offset + q * kWidth, sum[r][q], kShort ? left : kWidth);
  }
}

/// One head through n <= kPositions positions from j0 on.
void advance_head(const SsdChunk& s, int64_t h, float cs_last, F decay, int64_t j0, int64_t n) {
  const int64_t P = s.head_dim, N = s.state_size;
  const float* b = s.b + j0 * s.b_stride + h / (s.n_heads / s.n_groups) * N;
  float weight[kPositions], u[kPositions * kStateRows];
  decayed_steps(s, h, cs_last, j0, n, weight);
  for (int64_t p = 0; p < P; p += kStateRows) {
    float* rows[kStateRows];  // past the end: the last row again, computed and stored alike
    for (int r = 0; r < kStateRows; ++r) {
      const int64_t row = smaller(p + r, P - 1);
      rows[r] = s.state + (h * P + row) * N;
      for (int64_t j = 0; j < n; ++j) u[j * kStateRows + r] = weight[j] * s.x[(j0 + j) * s.x_stride + h * P + row];
    }
    int64_t k = 0;
    for (; k + 2 * kWidth <= N; k += 2 * kWidth) advance_tile<2, false>(u, n, b, s.b_stride, decay, rows, k, 0);
    for (; k < N; k += kWidth) advance_tile<1, true>(u, n, b, s.b_stride, decay, rows, k, N - k);
  }
}

void ssd_advance(const SsdAdvanceArgs& a, int64_t begin, int64_t end) {
  const SsdChunk& s = a.chunk;
  for (int64_t h = begin; h < end; ++h) {
    const float cs_last = s.cs[(a.n_positions - 1) * s.n_heads + h];
    F decay = exp(set1(cs_last));
    for (int64_t j0 = 0; j0 < a.n_positions; j0 += kPositions) {
      advance_head(s, h, cs_last, decay, j0, smaller(kPositions, a.n_positions - j0));
      decay = set1(1.0f);
    }
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
