#pragma once

#include <cstddef>
#include <cstdint>

#include "core/tensor/tensor.h"

namespace adder {

/// Matrices of the types whose 32 neighbours w_k are a scale times small integers, w_k = d (m_h q_k) + bias, laid out
/// for `linear_q8`. Half h of a block is 16 elements; m_h is the scale of a half in Q6_K and 1 elsewhere; d is one
/// factor of the format, or the product of two rounded once (d sc of Q4_K, Q5_K); bias is m or -(dmin m) where the
/// format has one.
///
/// Sixteen rows lie side by side, so that a vector register holds one number of each, and a group of sixteen is one
/// stream of bytes. A group is a run of units, each what one storage block of the format is to a row:
///   half d[16]          the format's d of every row
///   half m[16]          its m or dmin, if it has one
///   for every block of 32 columns:
///     u8 scale[16], min[16]          Q4_K, Q5_K
///     i8 m_0[16], m_1[16]            Q6_K
///     u8 nibbles[4][16][4]           [i][r][k]: low four bits of columns 4i + k (low) and 16 + 4i + k (high)
///     u8 high[1 or 2][16][4]         bit i of [0][r][k]: the fifth bit of column 4i + k; or bits 2i, 2i + 1 of
///                                    [p][r][k]: bits five and six of column 16p + 4i + k
///   or for Q8_0                      i8 q[8][16][4], column 4i + k
/// The bytes are those of the file but for two scales of eight bits instead of six (2.8 % of Q4_K). Missing rows of the
/// last group are zeros.
inline constexpr int64_t kPackedRows = 16;

struct PackedFormat {
  int64_t bits;                       ///< of a level: 4, 5, 6 or 8
  int64_t blocks;                     ///< blocks of 32 columns in a unit
  int64_t header_bytes, scale_bytes;  ///< of a unit; of each of its blocks
  constexpr int64_t level_bytes() const { return 64 * bits; }
  constexpr int64_t block_bytes() const { return scale_bytes + level_bytes(); }
  constexpr int64_t unit_bytes() const { return header_bytes + blocks * block_bytes(); }
};

/// Null for the types that have no integer products. Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, Q4_K, Q5_K, Q6_K have.
const PackedFormat* packed_format(DType dtype);

/// Never owns; `data` is 32-byte aligned.
struct PackedMatrix {
  DType dtype = DType::kQ8_0;
  int64_t n_rows = 0, n_cols = 0;
  const std::byte* data = nullptr;

  int64_t n_groups() const { return (n_rows + kPackedRows - 1) / kPackedRows; }
  int64_t n_blocks() const { return n_cols / 32; }
  int64_t group_bytes() const {
    const PackedFormat& format = *packed_format(dtype);
    return n_blocks() / format.blocks * format.unit_bytes();
  }
  int64_t bytes() const { return n_groups() * group_bytes(); }
};

/// Groups [begin, end) of w, a matrix of such a type, to `out`, where the whole packed matrix begins.
void pack_groups(const TensorView& w, std::byte* out, int64_t begin, int64_t end);

}  // namespace adder
