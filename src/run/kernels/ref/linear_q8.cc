#include <cmath>
#include <cstring>
#include <vector>

#include "core/base/check.h"
#include "core/base/half.h"
#include "core/quant/blocks.h"
#include "run/kernels/ref/ref.h"

namespace adder {

bool has_q8_product(DType dtype) {
  switch (dtype) {
    case DType::kQ8_0:
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kIQ4_NL:
    case DType::kQ4_K:
    case DType::kQ5_K:
    case DType::kQ6_K:
      return true;
    default:
      return false;
  }
}

namespace ref {
namespace {

/// w_k = d (m_h q_k) + bias; see ops.h.
struct Block {
  int q[32];
  int m[2] = {1, 1};
  float d = 0.0f, bias = 0.0f;
};

template <class Packed>
Packed load(const std::byte* row, int64_t i) {
  Packed block;
  std::memcpy(&block, row + static_cast<size_t>(i) * sizeof block, sizeof block);
  return block;
}

int nibble(const uint8_t* q, int e) {
  return e < 16 ? q[e] & 15 : q[e - 16] >> 4;
}
int bit(const uint8_t* bits, int e) {
  return bits[e / 8] >> (e % 8) & 1;
}

template <class Packed>
Block k_block(const Packed& p, int64_t j) {
  const KScales scales = unpack_k_scales(p.scales);
  const auto at = static_cast<size_t>(j);
  Block b;
  b.d = half_to_float(p.d) * static_cast<float>(scales.scale[at]);
  b.bias = -(half_to_float(p.dmin) * static_cast<float>(scales.min[at]));
  for (size_t e = 0; e < 32; ++e) b.q[e] = p.qs[32 * (at / 2) + e] >> (4 * (at % 2)) & 15;
  return b;
}

/// Block i of a row.
Block unpack(DType dtype, const std::byte* row, int64_t i) {
  Block b;
  switch (dtype) {
    case DType::kQ8_0: {
      const auto p = load<BlockQ8_0>(row, i);
      b.d = half_to_float(p.d);
      for (int e = 0; e < 32; ++e) b.q[e] = p.qs[static_cast<size_t>(e)];
      break;
    }
    case DType::kQ4_0: {
      const auto p = load<BlockQ4_0>(row, i);
      b.d = half_to_float(p.d);
      for (int e = 0; e < 32; ++e) b.q[e] = nibble(p.qs.data(), e) - 8;
      break;
    }
    case DType::kQ4_1: {
      const auto p = load<BlockQ4_1>(row, i);
      b.d = half_to_float(p.d);
      b.bias = half_to_float(p.m);
      for (int e = 0; e < 32; ++e) b.q[e] = nibble(p.qs.data(), e);
      break;
    }
    case DType::kQ5_0: {
      const auto p = load<BlockQ5_0>(row, i);
      b.d = half_to_float(p.d);
      for (int e = 0; e < 32; ++e) b.q[e] = (nibble(p.qs.data(), e) | bit(p.qh.data(), e) << 4) - 16;
      break;
    }
    case DType::kQ5_1: {
      const auto p = load<BlockQ5_1>(row, i);
      b.d = half_to_float(p.d);
      b.bias = half_to_float(p.m);
      for (int e = 0; e < 32; ++e) b.q[e] = nibble(p.qs.data(), e) | bit(p.qh.data(), e) << 4;
      break;
    }
    case DType::kIQ4_NL: {
      const auto p = load<BlockIQ4_NL>(row, i);
      b.d = half_to_float(p.d);
      for (int e = 0; e < 32; ++e) b.q[e] = kIq4Levels[static_cast<size_t>(nibble(p.qs.data(), e))];
      break;
    }
    case DType::kQ4_K:
      return k_block(load<BlockQ4_K>(row, i / 8), i % 8);
    case DType::kQ5_K: {
      const auto p = load<BlockQ5_K>(row, i / 8);
      b = k_block(p, i % 8);
      for (size_t e = 0; e < 32; ++e) b.q[e] |= (p.qh[e] >> (i % 8) & 1) << 4;
      break;
    }
    case DType::kQ6_K: {
      const auto p = load<BlockQ6_K>(row, i / 8);
      const auto half = static_cast<size_t>(i % 8 / 4), k = static_cast<size_t>(i % 4);
      b.d = half_to_float(p.d);
      for (size_t h = 0; h < 2; ++h) b.m[h] = p.scales[8 * half + 2 * k + h];
      for (size_t e = 0; e < 32; ++e) {
        const int low = p.ql[64 * half + 32 * (k % 2) + e] >> (4 * (k / 2)) & 15;
        b.q[e] = (low | (p.qh[32 * half + e] >> (2 * k) & 3) << 4) - 32;
      }
      break;
    }
    default:
      CHECK(false, "no integer product for {}", name(dtype));
  }
  return b;
}

bool has_bias(DType dtype) {
  return dtype == DType::kQ4_1 || dtype == DType::kQ5_1 || dtype == DType::kQ4_K || dtype == DType::kQ5_K;
}

float dot(const std::vector<Block>& row, const Q8Block* x, int64_t parts, bool bias) {
  float acc = 0.0f;
  for (const Block& w : row) {
    for (int64_t part = 0; part < parts; ++part, ++x) {
      int sums[2] = {0, 0};
      for (int e = 0; e < 32; ++e) sums[e / 16] += w.q[e] * x->q[e];
      acc = std::fma(w.d * x->scale, static_cast<float>(w.m[0] * sums[0] + w.m[1] * sums[1]), acc);
      if (bias) acc = std::fma(w.bias, x->sum, acc);
    }
  }
  return acc;
}

void quantize_block(const float* x, Q8Block& out) {
  out = {};
  float most = 0.0f;
  bool finite = true;
  for (int e = 0; e < 32; ++e) {
    most = std::max(most, std::fabs(x[e]));
    finite = finite && std::isfinite(x[e]);
  }
  if (!finite) {
    out.scale = out.sum = std::numeric_limits<float>::quiet_NaN();
  } else if (most >= 0x1p-100f) {
    const float inverse = 127.0f / most;
    out.scale = most / 127.0f;
    for (int e = 0; e < 32; ++e) {
      out.q[e] = static_cast<int8_t>(std::nearbyint(x[e] * inverse));
      out.half_sums[e / 16] = static_cast<int16_t>(out.half_sums[e / 16] + out.q[e]);
    }
    out.sum = out.scale * static_cast<float>(out.half_sums[0] + out.half_sums[1]);
  }
}

}  // namespace

void quantize_rows(const QuantizeRowsArgs& a, int64_t begin, int64_t end) {
  const int64_t n_blocks = a.width / 32;
  Q8Block* out = a.out + begin * n_blocks * a.parts;
  for (int64_t i = begin * n_blocks; i < end * n_blocks; ++i) {
    float x[32];
    std::copy_n(a.x + 32 * i, 32, x);
    for (int64_t part = 0; part < a.parts; ++part, ++out) {
      quantize_block(x, *out);
      for (int e = 0; e < 32; ++e) x[e] -= out->scale * static_cast<float>(out->q[e]);
    }
  }
}

void linear_q8(const LinearQ8Args& a, int64_t begin, int64_t end) {
  const int64_t n_blocks = a.w.shape.row_length() / 32, n_rows = a.w.shape.rows();
  std::vector<Block> row(static_cast<size_t>(n_blocks));
  for (int64_t r = begin; r < end; ++r) {
    for (int64_t i = 0; i < n_blocks; ++i) row[static_cast<size_t>(i)] = unpack(a.w.dtype, a.w.row(r), i);
    for (int64_t t = 0; t < a.n_tokens; ++t)
      a.y[t * n_rows + r] = dot(row, a.x + t * n_blocks * a.parts, a.parts, has_bias(a.w.dtype));
  }
}

}  // namespace ref
}  // namespace adder
