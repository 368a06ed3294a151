#pragma once

#include "run/kernels/x86/bodies/dot.h"
#include "run/kernels/x86/bodies/tile.h"
#include "run/kernels/x86/flat.h"

namespace adder::ADDER_LEVEL {
namespace {

/// The scan as products of tiles (tile.h), factors from a packed block, rows from a packed strip.
constexpr int64_t kOutputsUp = (kMaxChunk + kTileHeight - 1) / kTileHeight * kTileHeight;
/// Columns of B or C packed at once, and floats from one packed row to the next: no power of two, so that the lines a
/// tile reads lie in different sets of the first cache.
constexpr int64_t kScanColumns = 128, kScanPitch = kScanColumns + 8;

/// n rows of `width` <= kScanColumns floats, kScanPitch apart and padded with zeros to whole tiles; past n the last row
/// again.
inline void pack_panel(const float* from, int64_t stride, int64_t n, int64_t n_rows, int64_t width, float* out) {
  for (int64_t i = 0; i < n_rows; ++i) {
    const float* row = from + smaller(i, n - 1) * stride;
    for (int64_t k = 0; k < kScanPitch; k += kWidth)
      store(out + i * kScanPitch + k, load(row + k, width - k), kScanPitch - k);
  }
}

template <class E>
inline E* state_of(const SsdChunk& s) {
  return reinterpret_cast<E*>(s.state);
}

/// cs and dt of one head, positions in a row.
struct Steps {
  alignas(64) float cs[kMaxChunk + kWidth] = {}, dt[kMaxChunk + kWidth] = {};

  Steps(const SsdChunk& s, int64_t h, int64_t n) {
    for (int64_t j = 0; j < n; ++j) {
      cs[j] = s.cs[j * s.n_heads + h];
      dt[j] = s.dt[j * s.n_heads + h];
    }
  }
  /// exp(cs_i - cs_j) * dt_j for positions j, j + 1, ...
  F weight(float cs_i, int64_t j) const { return mul(exp(sub(set1(cs_i), load(cs + j))), load(dt + j)); }
};

/// Outputs [first, last) of the heads of one group.
struct Outputs {
  const SsdOutputArgs& a;
  int64_t group, n, n_up;                            // n_up: n in whole tiles, the last output again
  alignas(64) float dots[kMaxChunk * kMaxChunk]{};   // c_i . b_j
  alignas(64) float weight[kOutputsUp * kMaxChunk];  // of x_j in y_i, one head
  alignas(64) float decay[kOutputsUp];               // of the state in y_i, one head
  alignas(64) float c[kOutputsUp * kScanPitch];      // a panel of C

  Outputs(const SsdOutputArgs& args, int64_t g)
      : a(args), group(g), n(args.last - args.first), n_up((n + kTileHeight - 1) / kTileHeight * kTileHeight) {
    const SsdChunk& s = a.chunk;
    const int64_t N = s.state_size;
    constexpr int64_t kBlock = 16;  // outputs that take the same number of positions
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t some = smaller(kBlock, n - i);
      dot_matrix({s.b + g * N, s.b_stride, a.first + i + some}, {a.c + i * a.c_stride + g * N, a.c_stride, some}, N,
                 dots + i * kMaxChunk, 1, kMaxChunk);
    }
  }

  void weigh(int64_t h) {
    const Steps steps(a.chunk, h, a.last);
    float decays[kMaxChunk + kWidth];
    for (int64_t i = 0; i < n; i += kWidth) store(decays + i, exp(load(steps.cs + a.first + i)));
    for (int64_t row = 0; row < n_up; ++row) {
      const int64_t i = smaller(row, n - 1);
      decay[row] = decays[i];
      for (int64_t j = 0; j <= a.first + i; j += kWidth) {
        const F dot = load(dots + i * kMaxChunk + j);
        store(weight + row * kMaxChunk + j, mul(steps.weight(steps.cs[a.first + i], j), dot));
      }
    }
  }

  /// Columns of the state that there are.
  int64_t n_columns() const { return a.chunk.from_zero ? 0 : a.chunk.state_size; }

  /// Q registers from p on of one head, through the panel of the state, of numbers E, that begins at n0.
  template <class E, int Q>
  void strip(int64_t h, int64_t p, int64_t n0, int64_t depth) const {
    const SsdChunk& s = a.chunk;
    const int64_t P = s.head_dim, N = n_columns(), d_inner = s.n_heads * P, left = P - p;
    const bool last = n0 + depth == N;
    alignas(64) float state[kScanColumns * Q * kWidth], x[kMaxChunk * Q * kWidth];
    const E* rows_of_state = depth > 0 ? state_of<E>(s) + (h * N + n0) * P + p : nullptr;
    pack_strip<Q>(rows_of_state, P, depth, left, state);
    if (last) pack_strip<Q>(s.x + h * P + p, s.x_stride, a.last, left, x);
    for (int64_t i = 0; i < n; i += kTileHeight) {
      float* y = a.y + i * d_inner + h * P + p;
      const int64_t rows = smaller(kTileHeight, n - i);
      for (int64_t k = depth * i / n; k < depth * (i + rows) / n; ++k) prefetch(rows_of_state + (N + k) * P);
      Tile<Q> tile;
      for (int r = 0; r < kTileHeight; ++r) {
        for (int q = 0; q < Q; ++q) {
          const bool more = n0 > 0 && r < rows;
          store(tile.at(r, q), more ? load(y + r * d_inner + q * kWidth, left - q * kWidth) : zero());
        }
      }
      accumulate(Packed<1, kScanPitch>{c + i * kScanPitch}, state, Q * kWidth, depth, tile);
      if (last) finish(i, h, rows, x, tile);
      for (int r = 0; r < rows; ++r) {
        for (int q = 0; q < Q; ++q) store(y + r * d_inner + q * kWidth, load(tile.at(r, q)), left - q * kWidth);
      }
    }
  }

  /// From the product with the state to the output: decay, the positions up to each row's own, d x.
  template <int Q>
  void finish(int64_t i, int64_t h, int64_t rows, const float* x, Tile<Q>& tile) const {
    for (int r = 0; r < kTileHeight; ++r) {
      for (int q = 0; q < Q; ++q) store(tile.at(r, q), mul(set1(decay[i + r]), load(tile.at(r, q))));
    }
    const float* factors = weight + i * kMaxChunk;
    const int64_t seen = a.first + i + 1;  // by the first row; the next see one more each
    accumulate(Packed<1, kMaxChunk>{factors}, x, Q * kWidth, seen, tile);
    const F d = set1(a.d[h]);
    for (int r = 0; r < rows; ++r) {
      for (int q = 0; q < Q; ++q) {
        const float* own = x + ((seen - 1) * Q + q) * kWidth;
        F sum = load(tile.at(r, q));
        for (int t = 1; t <= r; ++t) {
          sum = fma(set1(factors[r * kMaxChunk + seen - 1 + t]), load(own + t * Q * kWidth), sum);
        }
        store(tile.at(r, q), fma(d, load(own + r * Q * kWidth), sum));
      }
    }
  }

  template <class E>
  void run(int64_t begin, int64_t end) {
    const int64_t P = a.chunk.head_dim, N = n_columns();
    for (int64_t n0 = 0; n0 == 0 || n0 < N; n0 += kScanColumns) {
      const int64_t depth = smaller(kScanColumns, N - n0);
      pack_panel(a.c + group * N + n0, a.c_stride, n, n_up, depth, c);
      for (int64_t h = begin; h < end; ++h) {
        if (n0 + depth == N) weigh(h);
        for (int64_t p = 0; p < P; p += 2 * kWidth) {
          if (P - p > kWidth) {
            strip<E, 2>(h, p, n0, depth);
          } else {
            strip<E, 1>(h, p, n0, depth);
          }
        }
      }
    }
  }
};

/// Outputs for which packing does not pay: the state streams in once, and comes from the second cache for the others.
constexpr int64_t kFewOutputs = 8;

template <class E>
void output_few(const SsdOutputArgs& a, int64_t g, int64_t begin, int64_t end) {
  const SsdChunk& s = a.chunk;
  const int64_t P = s.head_dim, N = s.state_size, d_inner = s.n_heads * P, n = a.last - a.first;
  float dots[kFewOutputs * kMaxChunk] = {};
  dot_matrix({s.b + g * N, s.b_stride, a.last}, {a.c + g * N, a.c_stride, n}, N, dots, 1, kMaxChunk);
  for (int64_t h = begin; h < end; ++h) {
    const Steps steps(s, h, a.last);
    const float* x = s.x + h * P;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t position = a.first + i;
      const float cs = steps.cs[position];
      float weight[kMaxChunk];
      for (int64_t j = 0; j <= position; j += kWidth) {
        store(weight + j, mul(steps.weight(cs, j), load(dots + i * kMaxChunk + j)));
      }
      float* y = a.y + i * d_inner + h * P;
      for (int64_t p = 0; p < P; p += kWidth) store(y + p, zero(), P - p);
      if (!s.from_zero) mix(a.c + i * a.c_stride + g * N, N, state_of<E>(s) + h * N * P, P, y, P);
      const F decay = exp(set1(cs));
      for (int64_t p = 0; p < P; p += kWidth) store(y + p, mul(decay, load(y + p, P - p)), P - p);
      mix(weight, position + 1, x, s.x_stride, y, P);
      mix(a.d + h, 1, x + position * s.x_stride, s.x_stride, y, P);
    }
  }
}

/// body(group, begin, end) for the heads [begin, end) of each group.
template <class Body>
inline void for_each_group(const SsdChunk& s, int64_t begin, int64_t end, const Body& body) {
  const int64_t heads_per_group = s.n_heads / s.n_groups;
  while (begin < end) {
    const int64_t g = begin / heads_per_group, next = smaller(end, (g + 1) * heads_per_group);
    body(g, begin, next);
    begin = next;
  }
}

template <class E>
void output(const SsdOutputArgs& a, int64_t begin, int64_t end) {
  for_each_group(a.chunk, begin, end, [&a](int64_t g, int64_t h0, int64_t h1) {
    if (a.last - a.first <= kFewOutputs) {
      output_few<E>(a, g, h0, h1);
    } else {
      Outputs(a, g).run<E>(h0, h1);
    }
  });
}

void ssd_output(const SsdOutputArgs& a, int64_t begin, int64_t end) {
  switch (a.chunk.state_type) {
    case DType::kF16:
      return output<Half>(a, begin, end);
    case DType::kBF16:
      return output<BFloat>(a, begin, end);
    default:
      return output<float>(a, begin, end);
  }
}

/// Q registers from p on of one head's state, through all positions; b holds columns n0 .. n0 + depth of B.
template <class E, int Q>
inline void advance_strip(const SsdAdvanceArgs& a, int64_t h, int64_t p, int64_t n0, int64_t depth, const float* weight,
                          F decay, const float* b) {
  const SsdChunk& s = a.chunk;
  const int64_t P = s.head_dim, left = P - p;
  alignas(64) float u[kMaxChunk * Q * kWidth];
  pack_strip<Q>(s.x + h * P + p, s.x_stride, a.n_positions, left, u);
  for (int64_t j = 0; j < a.n_positions; ++j) {
    for (int q = 0; q < Q; ++q) {
      float* values = u + (j * Q + q) * kWidth;
      store(values, mul(set1(weight[j]), load(values)));
    }
  }
  for (int64_t n = 0; n < depth; n += kTileHeight) {
    E* state = state_of<E>(s) + (h * s.state_size + n0 + n) * P + p;
    const int64_t rows = smaller(kTileHeight, depth - n);
    Tile<Q> tile;
    for (int r = 0; r < kTileHeight; ++r) {
      const E* row = state + smaller(r, rows - 1) * P;
      if (!s.from_zero) prefetch(row + s.state_size * P);
      for (int q = 0; q < Q; ++q) {
        const F before = s.from_zero ? zero() : load(row + q * kWidth, left - q * kWidth);
        store(tile.at(r, q), mul(before, decay));
      }
    }
    accumulate(Packed<kScanPitch, 1>{b + n}, u, Q * kWidth, a.n_positions, tile);
    for (int r = 0; r < rows; ++r) {
      for (int q = 0; q < Q; ++q) store(state + r * P + q * kWidth, load(tile.at(r, q)), left - q * kWidth);
    }
  }
}

template <class E>
void advance_group(const SsdAdvanceArgs& a, int64_t g, int64_t begin, int64_t end) {
  const SsdChunk& s = a.chunk;
  const int64_t P = s.head_dim, N = s.state_size, n = a.n_positions;
  alignas(64) float b[kMaxChunk * kScanPitch];
  for (int64_t n0 = 0; n0 < N; n0 += kScanColumns) {
    const int64_t depth = smaller(kScanColumns, N - n0);
    pack_panel(s.b + g * N + n0, s.b_stride, n, n, depth, b);
    for (int64_t h = begin; h < end; ++h) {
      const Steps steps(s, h, n);
      const float cs_last = steps.cs[n - 1];
      float weight[kMaxChunk + kWidth];
      for (int64_t j = 0; j < n; j += kWidth) store(weight + j, steps.weight(cs_last, j));
      const F decay = exp(set1(cs_last));
      for (int64_t p = 0; p < P; p += 2 * kWidth) {
        if (P - p > kWidth) {
          advance_strip<E, 2>(a, h, p, n0, depth, weight, decay, b);
        } else {
          advance_strip<E, 1>(a, h, p, n0, depth, weight, decay, b);
        }
      }
    }
  }
}

template <class E>
void advance(const SsdAdvanceArgs& a, int64_t begin, int64_t end) {
  for_each_group(a.chunk, begin, end, [&a](int64_t g, int64_t h0, int64_t h1) { advance_group<E>(a, g, h0, h1); });
}

void ssd_advance(const SsdAdvanceArgs& a, int64_t begin, int64_t end) {
  switch (a.chunk.state_type) {
    case DType::kF16:
      return advance<Half>(a, begin, end);
    case DType::kBF16:
      return advance<BFloat>(a, begin, end);
    default:
      return advance<float>(a, begin, end);
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
