#pragma once

#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/half.h"
#include "core/base/rng.h"
#include "run/kernels/ops.h"

/// Random inputs for every op, owned, for the tests and the benchmarks of this folder.
namespace adder {

/// How inputs are drawn. kExtreme mixes in zeros of both signs, subnormals and magnitudes from 1e-30 to 1e9; nothing
/// that becomes NaN.
enum class Draw { kNormal, kExtreme };

inline std::vector<float> random_floats(Rng& rng, int64_t n, Draw draw = Draw::kNormal, float scale = 1.0f) {
  constexpr float kSpecial[] = {0.0f, -0.0f, 0x1p-149f, -0x1.8p-140f, 1e-30f, -1e-20f, 1e9f, -3e8f, 1.0f, -1.0f};
  std::vector<float> out(static_cast<size_t>(n));
  for (float& x : out) {
    x = scale * rng.normal();
    if (draw == Draw::kExtreme && rng.below(4) == 0) x = kSpecial[rng.below(std::size(kSpecial))];
  }
  return out;
}

/// Offsets of the binary16 scales in a block: everything else in a quantised block may be any bits.
inline std::vector<size_t> scale_offsets(DType dtype) {
  switch (dtype) {
    case DType::kQ4_1:
    case DType::kQ5_1:
    case DType::kQ4_K:
    case DType::kQ5_K:
      return {0, 2};
    case DType::kQ2_K:
      return {80, 82};
    case DType::kQ3_K:
      return {108};
    case DType::kQ6_K:
      return {208};
    default:
      return {0};
  }
}

inline std::vector<DType> weight_dtypes() {
  std::vector<DType> out;
  for (const DTypeInfo& row : all_dtypes()) {
    if (row.dtype < DType::kI8) out.push_back(row.dtype);
  }
  return out;
}

inline std::vector<std::byte> random_weights(Rng& rng, DType dtype, int64_t n_elements, Draw draw = Draw::kNormal) {
  std::vector<std::byte> bytes(storage_bytes(dtype, n_elements));
  for (std::byte& b : bytes) b = static_cast<std::byte>(rng.below(256));
  const auto put = [&](size_t at, uint16_t bits) { std::memcpy(&bytes[at], &bits, 2); };
  const auto block_bytes = static_cast<size_t>(info(dtype).block_bytes);
  if (dtype == DType::kF32) {
    const auto x = random_floats(rng, n_elements, draw);
    std::memcpy(bytes.data(), x.data(), bytes.size());
  } else if (dtype == DType::kF8E4M3) {
    for (std::byte& b : bytes) {
      if ((b & std::byte{0x7f}) == std::byte{0x7f}) b = std::byte{0x21};
    }
  } else if (dtype == DType::kF16 || dtype == DType::kBF16) {
    const auto x = random_floats(rng, n_elements);
    for (size_t i = 0; i < x.size(); ++i) put(2 * i, dtype == DType::kF16 ? float_to_half(x[i]) : float_to_bf16(x[i]));
  } else {
    for (size_t block = 0; block < bytes.size(); block += block_bytes) {
      for (const size_t offset : scale_offsets(dtype)) put(block + offset, float_to_half(0.01f * rng.normal()));
    }
  }
  return bytes;
}

/// An output between two stretches of a pattern that no op writes.
class Guarded {
 public:
  explicit Guarded(int64_t n) : n_(static_cast<size_t>(n)), values_(n_ + 2 * kGuard, kPattern) {}
  float* data() { return values_.data() + kGuard; }
  void fill(const std::vector<float>& x) { std::copy(x.begin(), x.end(), data()); }
  std::vector<float> values() const { return {values_.begin() + kGuard, values_.end() - kGuard}; }
  bool intact() const {
    for (size_t i = 0; i < kGuard; ++i) {
      if (values_[i] != kPattern || values_[kGuard + n_ + i] != kPattern) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 64;
  static constexpr float kPattern = -12345.678f;
  size_t n_;
  std::vector<float> values_;
};

struct LinearCase {
  LinearCase(Rng& rng, DType dtype, int64_t rows, int64_t cols, int64_t tokens, Draw draw = Draw::kNormal)
      : w(random_weights(rng, dtype, rows * cols, draw)),
        x(random_floats(rng, tokens * cols, draw)),
        view{dtype, {rows, cols}, w.data()},
        n_tokens(tokens) {}
  LinearArgs args(float* y) const { return {view, x.data(), y, n_tokens, scale}; }
  int64_t outputs() const { return view.shape.rows() * n_tokens; }

  std::vector<std::byte> w;
  std::vector<float> x;
  TensorView view;
  int64_t n_tokens;
  float scale = 0.37f;
};

/// The same with the activations rounded to bytes.
struct LinearQ8Case : LinearCase {
  LinearQ8Case(Rng& rng, DType dtype, int64_t rows, int64_t cols, int64_t tokens, Draw draw = Draw::kNormal,
               int64_t n_parts = 1)
      : LinearCase(rng, dtype, rows, cols, tokens, draw),
        blocks(static_cast<size_t>(tokens * cols / 32 * n_parts)),
        parts(n_parts) {
    supported_ops().front()->quantize_rows({x.data(), blocks.data(), cols, parts}, 0, tokens);
    pack();
  }
  void pack() {
    PackedMatrix m{view.dtype, view.shape.rows(), view.shape.row_length(), nullptr};
    packed.assign(static_cast<size_t>(m.bytes()) / sizeof(Line) + 1, {});
    pack_groups(view, packed.front().bytes, 0, m.n_groups());
    m.data = packed.front().bytes;
    matrix = m;
  }
  LinearQ8Args args(float* y) const { return {matrix, blocks.data(), y, n_tokens, parts}; }

  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> packed;
  PackedMatrix matrix;
  std::vector<Q8Block> blocks;
  int64_t parts;
};

inline std::vector<DType> q8_dtypes() {
  std::vector<DType> out;
  for (const DType dtype : weight_dtypes()) {
    if (packed_format(dtype)) out.push_back(dtype);
  }
  return out;
}

struct SsdShape {
  int64_t heads, head_dim, state, groups, positions;
};

/// A chunk as a Mamba layer makes it: steps after softplus, decays of 1/16 to 16 per unit of step.
struct SsdCase {
  SsdCase(Rng& rng, const SsdShape& s, int64_t pad = 3, DType type = DType::kF32)
      : shape(s),
        state_type(type),
        x_stride(s.heads * s.head_dim + pad),
        bc_stride(s.groups * s.state + pad),
        state(random_weights(rng, type, s.heads * s.head_dim * s.state)),
        x(random_floats(rng, s.positions * x_stride)),
        b(random_floats(rng, s.positions * bc_stride)),
        c(random_floats(rng, s.positions * bc_stride)),
        d(random_floats(rng, s.heads)),
        dt(static_cast<size_t>(s.positions * s.heads)),
        cs(dt.size()) {
    for (int64_t h = 0; h < s.heads; ++h) {
      const float a = -std::exp(2.77f * (2.0f * rng.uniform() - 1.0f));
      float sum = 0.0f;
      for (int64_t i = 0; i < s.positions; ++i) {
        const auto at = static_cast<size_t>(i * s.heads + h);
        dt[at] = 0.2f * rng.uniform();
        cs[at] = sum += dt[at] * a;
      }
    }
  }
  SsdChunk chunk(std::byte* s) const {
    return {s,         x.data(),    x_stride,       b.data(),    bc_stride,    dt.data(),
            cs.data(), shape.heads, shape.head_dim, shape.state, shape.groups, state_type};
  }
  SsdOutputArgs output(float* y, int64_t first, int64_t last) {
    return {chunk(state.data()), c.data() + first * bc_stride, bc_stride, d.data(), y, first, last};
  }

  SsdShape shape;
  DType state_type;
  int64_t x_stride, bc_stride;
  std::vector<std::byte> state;
  std::vector<float> x, b, c, d, dt, cs;
};

/// Keys and values of `position + tokens` positions in pages, in `kv_type`.
struct AttentionCase {
  AttentionCase(Rng& rng, DType kv_type, int64_t n_heads, int64_t n_kv_heads, int64_t head_dim, int64_t position,
                int64_t n_tokens)
      : q(random_floats(rng, n_tokens * n_heads * head_dim, Draw::kNormal, 2.0f)),
        layout{nullptr,  nullptr, nullptr,    nullptr,  kv_type,
               position, n_heads, n_kv_heads, head_dim, 1.0f / std::sqrt(static_cast<float>(head_dim))},
        tokens(n_tokens) {
    if (kv_type == DType::kF8E4M3) {  // codes are numbers up to 448
      layout.scale *= 0.005f;
      layout.v_scale = 0.013f;
    }
    const int64_t n_pages = (position + n_tokens + kKeyBlock - 1) / kKeyBlock;
    for (int64_t page = 0; page < 2 * n_pages; ++page) {
      storage.push_back(random_weights(rng, kv_type, n_kv_heads * kKeyBlock * head_dim));
    }
    for (int64_t page = 0; page < n_pages; ++page) {
      k_pages.push_back(storage[static_cast<size_t>(page)].data());
      v_pages.push_back(storage[static_cast<size_t>(n_pages + page)].data());
    }
  }
  AttentionArgs args(float* out) const {
    AttentionArgs a = layout;
    a.q = q.data();
    a.out = out;
    a.k_pages = k_pages.data();
    a.v_pages = v_pages.data();
    return a;
  }
  int64_t items() const { return tokens * layout.n_heads; }

  std::vector<float> q;
  AttentionArgs layout;
  int64_t tokens;
  std::vector<std::vector<std::byte>> storage;
  std::vector<const std::byte*> k_pages, v_pages;
};

}  // namespace adder
