#include "run/kernels/packed.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/quant/blocks.h"

namespace adder {
namespace {

constexpr auto kRows = static_cast<size_t>(kPackedRows);

/// What a row of one storage block brings to a unit: halves for the header, then two scales for every block of 32
/// columns (copied if the format has them) and its levels, four columns to a word, as they lie in the packed matrix.
template <size_t n_blocks, size_t bits>
struct RowUnit {
  uint16_t d = 0, m = 0;
  uint8_t scales[n_blocks][2] = {};
  uint32_t words[n_blocks][bits];
};

uint32_t word(const uint8_t* p) {
  uint32_t w;
  std::memcpy(&w, p, 4);
  return w;
}

/// Blocks of Q4_0 and its relatives have the nibbles of columns 4i + k and 16 + 4i + k in one byte, too.
void put_nibbles(const std::array<uint8_t, 16>& qs, uint32_t* words) {
  std::memcpy(words, qs.data(), 16);
}
/// Bit 4i + k of the 32 becomes bit i of byte k.
void put_fifth_bits(const std::array<uint8_t, 4>& qh, uint32_t* words) {
  const uint32_t bits = word(qh.data());
  words[4] = 0;
  for (size_t i = 0; i < 8; ++i) words[4] |= ((bits >> 4 * i & 15) * 0x00204081u & 0x01010101u) << i;
}

/// 32 columns whose low four bits are the low or the high nibbles of 32 bytes.
void put_k_nibbles(const uint8_t* qs, bool high, uint32_t* words) {
  for (size_t i = 0; i < 4; ++i) {
    const uint32_t first = word(qs + 4 * i), second = word(qs + 16 + 4 * i);
    words[i] = high ? (first >> 4 & 0x0f0f0f0fu) | (second & 0xf0f0f0f0u)
                    : (first & 0x0f0f0f0fu) | (second & 0x0f0f0f0fu) << 4;
  }
}

template <class Block, size_t bits>
void read_k(const Block& b, RowUnit<8, bits>& out) {
  const KScales scales = unpack_k_scales(b.scales);
  out.d = b.d;
  out.m = b.dmin;
  for (size_t j = 0; j < 8; ++j) {
    out.scales[j][0] = scales.scale[j];
    out.scales[j][1] = scales.min[j];
    put_k_nibbles(b.qs.data() + j / 2 * 32, j % 2 == 1, out.words[j]);
  }
}

void read(const BlockQ8_0& b, RowUnit<1, 8>& out) {
  out.d = b.d;
  std::memcpy(out.words[0], b.qs.data(), 32);
}
void read(const BlockQ4_0& b, RowUnit<1, 4>& out) {
  out.d = b.d;
  put_nibbles(b.qs, out.words[0]);
}
void read(const BlockIQ4_NL& b, RowUnit<1, 4>& out) {
  out.d = b.d;
  put_nibbles(b.qs, out.words[0]);
}
void read(const BlockQ4_1& b, RowUnit<1, 4>& out) {
  out.d = b.d;
  out.m = b.m;
  put_nibbles(b.qs, out.words[0]);
}
void read(const BlockQ5_0& b, RowUnit<1, 5>& out) {
  out.d = b.d;
  put_nibbles(b.qs, out.words[0]);
  put_fifth_bits(b.qh, out.words[0]);
}
void read(const BlockQ5_1& b, RowUnit<1, 5>& out) {
  out.d = b.d;
  out.m = b.m;
  put_nibbles(b.qs, out.words[0]);
  put_fifth_bits(b.qh, out.words[0]);
}
void read(const BlockQ4_K& b, RowUnit<8, 4>& out) {
  read_k(b, out);
}
void read(const BlockQ5_K& b, RowUnit<8, 5>& out) {
  read_k(b, out);
  for (size_t j = 0; j < 8; ++j) {
    out.words[j][4] = 0;
    for (size_t i = 0; i < 8; ++i) out.words[j][4] |= (word(b.qh.data() + 4 * i) >> j & 0x01010101u) << i;
  }
}
void read(const BlockQ6_K& b, RowUnit<8, 6>& out) {
  out.d = b.d;
  for (size_t j = 0; j < 8; ++j) {
    const size_t half = j / 4, k = j % 4;
    for (size_t h = 0; h < 2; ++h) out.scales[j][h] = static_cast<uint8_t>(b.scales[2 * j + h]);
    put_k_nibbles(b.ql.data() + 64 * half + 32 * (k % 2), k >= 2, out.words[j]);
    for (size_t p = 0; p < 2; ++p) {
      const uint8_t* const qh = b.qh.data() + 32 * half + 16 * p;
      out.words[j][4 + p] = 0;
      for (size_t i = 0; i < 4; ++i) out.words[j][4 + p] |= (word(qh + 4 * i) >> 2 * k & 0x03030303u) << 2 * i;
    }
  }
}

template <class Block, size_t n_blocks, size_t bits>
void pack(const TensorView& w, const PackedFormat& format, std::byte* out, int64_t group, int64_t group_bytes) {
  const int64_t first = group * kPackedRows;
  const auto n_rows = static_cast<size_t>(std::min(kPackedRows, w.shape.rows() - first));
  const auto header_bytes = static_cast<size_t>(format.header_bytes);
  const auto scale_bytes = static_cast<size_t>(format.scale_bytes);
  uint16_t header[2][kRows] = {};  // zeros where rows are missing
  uint8_t scales[n_blocks][2][kRows] = {};
  uint32_t words[n_blocks][bits][kRows] = {};
  const std::byte* rows[kRows];
  for (size_t r = 0; r < n_rows; ++r) rows[r] = w.row(first + static_cast<int64_t>(r));
  out += group * group_bytes;
  for (const std::byte* const end = out + group_bytes; out < end;) {
    for (size_t r = 0; r < n_rows; ++r, rows[r - 1] += sizeof(Block)) {
      Block block;
      std::memcpy(&block, rows[r], sizeof block);
      RowUnit<n_blocks, bits> row;
      read(block, row);
      header[0][r] = row.d;
      header[1][r] = row.m;
      for (size_t j = 0; j < n_blocks; ++j) {
        for (size_t h = 0; h < 2; ++h) scales[j][h][r] = row.scales[j][h];
        for (size_t i = 0; i < bits; ++i) words[j][i][r] = row.words[j][i];
      }
    }
    std::memcpy(out, header, header_bytes);
    out += header_bytes;
    for (size_t j = 0; j < n_blocks; ++j, out += format.block_bytes()) {
      std::memcpy(out, scales[j], scale_bytes);
      std::memcpy(out + scale_bytes, words[j], sizeof words[j]);
    }
  }
}

using Pack = void (*)(const TensorView&, const PackedFormat&, std::byte*, int64_t, int64_t);

struct Row {
  DType dtype;
  PackedFormat format;
  Pack pack;
};

constexpr Row kTable[] = {
    {DType::kQ8_0, {8, 1, 32, 0}, pack<BlockQ8_0, 1, 8>},  {DType::kQ4_0, {4, 1, 32, 0}, pack<BlockQ4_0, 1, 4>},
    {DType::kQ4_1, {4, 1, 64, 0}, pack<BlockQ4_1, 1, 4>},  {DType::kQ5_0, {5, 1, 32, 0}, pack<BlockQ5_0, 1, 5>},
    {DType::kQ5_1, {5, 1, 64, 0}, pack<BlockQ5_1, 1, 5>},  {DType::kIQ4_NL, {4, 1, 32, 0}, pack<BlockIQ4_NL, 1, 4>},
    {DType::kQ4_K, {4, 8, 64, 32}, pack<BlockQ4_K, 8, 4>}, {DType::kQ5_K, {5, 8, 64, 32}, pack<BlockQ5_K, 8, 5>},
    {DType::kQ6_K, {6, 8, 32, 32}, pack<BlockQ6_K, 8, 6>},
};

const Row* find(DType dtype) {
  for (const Row& row : kTable)
    if (row.dtype == dtype) return &row;
  return nullptr;
}

}  // namespace

const PackedFormat* packed_format(DType dtype) {
  const Row* const row = find(dtype);
  return row ? &row->format : nullptr;
}

void pack_groups(const TensorView& w, std::byte* out, int64_t begin, int64_t end) {
  const Row* const row = find(w.dtype);
  CHECK(row, "no integer products for {}", name(w.dtype));
  const int64_t group_bytes = PackedMatrix{w.dtype, w.shape.rows(), w.shape.row_length(), nullptr}.group_bytes();
  for (int64_t group = begin; group < end; ++group) row->pack(w, row->format, out, group, group_bytes);
}

}  // namespace adder
