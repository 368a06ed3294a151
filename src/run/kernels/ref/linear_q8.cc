#include <cmath>
#include <cstring>

#include "core/base/half.h"
#include "core/quant/blocks.h"
#include "run/kernels/ref/ref.h"

namespace adder {

namespace ref {
namespace {

/// w_k = d (m_h q_k) + bias; see packed.h.
struct Block {
  int q[32];
  int m[2] = {1, 1};
  float d = 0.0f, bias = 0.0f;
};

/// The numbers of one row in a packed matrix, block by block.
class PackedRow {
 public:
  PackedRow(const PackedMatrix& w, int64_t row)
      : dtype_(w.dtype),
        format_(*packed_format(w.dtype)),
        group_(reinterpret_cast<const uint8_t*>(w.data) + row / kPackedRows * w.group_bytes()),
        row_(row % kPackedRows) {}

  Block block(int64_t i) const {
    const uint8_t* const unit = group_ + i / format_.blocks * format_.unit_bytes();
    const uint8_t* const scales = unit + format_.header_bytes + i % format_.blocks * format_.block_bytes();
    Block b;
    b.d = half(unit);
    for (int64_t e = 0; e < 32; ++e) b.q[e] = level(scales + format_.scale_bytes, e);
    switch (dtype_) {
      case DType::kQ4_1:
      case DType::kQ5_1:
        b.bias = half(unit + 2 * kPackedRows);
        break;
      case DType::kQ4_K:
      case DType::kQ5_K:
        b.d *= static_cast<float>(scales[row_]);
        b.bias = -(half(unit + 2 * kPackedRows) * static_cast<float>(scales[kPackedRows + row_]));
        break;
      case DType::kQ6_K:
        for (int64_t h = 0; h < 2; ++h) b.m[h] = static_cast<int8_t>(scales[h * kPackedRows + row_]);
        break;
      default:
        break;
    }
    return b;
  }

  bool has_bias() const {
    return dtype_ == DType::kQ4_1 || dtype_ == DType::kQ5_1 || dtype_ == DType::kQ4_K || dtype_ == DType::kQ5_K;
  }

 private:
  float half(const uint8_t* halves) const {
    uint16_t bits;
    std::memcpy(&bits, halves + 2 * row_, 2);
    return half_to_float(bits);
  }

  /// q of column e. Four columns of sixteen rows are 64 bytes.
  int level(const uint8_t* levels, int64_t e) const {
    const int64_t at = 4 * row_ + e % 4, i = e / 4;
    if (dtype_ == DType::kQ8_0) return static_cast<int8_t>(levels[64 * i + at]);
    const int low = levels[64 * (i % 4) + at] >> (4 * (i / 4)) & 15;
    const uint8_t* const high = levels + 256 + at;
    switch (dtype_) {
      case DType::kQ4_0:
        return low - 8;
      case DType::kIQ4_NL:
        return kIq4Levels[static_cast<size_t>(low)];
      case DType::kQ5_0:
        return (low | (high[0] >> i & 1) << 4) - 16;
      case DType::kQ5_1:
      case DType::kQ5_K:
        return low | (high[0] >> i & 1) << 4;
      case DType::kQ6_K:
        return (low | (high[64 * (i / 4)] >> (2 * (i % 4)) & 3) << 4) - 32;
      default:
        return low;
    }
  }

  DType dtype_;
  const PackedFormat& format_;
  const uint8_t* group_;
  int64_t row_;
};

/// acc + the product of one block of weights with all parts of one block of activations.
float add_product(float acc, const Block& w, const Q8Block* x, int64_t parts, bool bias) {
  for (int64_t part = 0; part < parts; ++part, ++x) {
    int sums[2] = {0, 0};
    for (int e = 0; e < 32; ++e) sums[e / 16] += w.q[e] * x->q[e];
    acc = std::fma(w.d * x->scale, static_cast<float>(w.m[0] * sums[0] + w.m[1] * sums[1]), acc);
    if (bias) acc = std::fma(w.bias, x->sum, acc);
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
  const int64_t n_blocks = a.w.n_blocks(), n_rows = a.w.n_rows;
  for (int64_t r = begin; r < end; ++r) {
    const PackedRow row(a.w, r);
    for (int64_t t = 0; t < a.n_tokens; ++t) a.y[t * n_rows + r] = 0.0f;
    for (int64_t i = 0; i < n_blocks; ++i) {
      const Block w = row.block(i);
      for (int64_t t = 0; t < a.n_tokens; ++t) {
        float& y = a.y[t * n_rows + r];
        y = add_product(y, w, a.x + (t * n_blocks + i) * a.parts, a.parts, row.has_bias());
      }
    }
  }
}

}  // namespace ref
}  // namespace adder
