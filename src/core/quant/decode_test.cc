#include <gtest/gtest.h>

#include <vector>

#include "core/base/half.h"
#include "core/quant/blocks.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

/// A block written down byte by byte, as the layouts are specified.
class Bytes {
 public:
  explicit Bytes(DType dtype) : dtype_(dtype), bytes_(static_cast<size_t>(info(dtype).block_bytes)) {}

  Bytes& set(size_t offset, int value) {
    bytes_.at(offset) = static_cast<std::byte>(value);
    return *this;
  }
  Bytes& half(size_t offset, float value) {
    const uint16_t bits = float_to_half(value);
    return set(offset, bits & 255).set(offset + 1, bits >> 8);
  }
  std::vector<float> decoded() const {
    std::vector<float> x(static_cast<size_t>(info(dtype_).block_size));
    decode(dtype_, bytes_.data(), x);
    return x;
  }

 private:
  DType dtype_;
  std::vector<std::byte> bytes_;
};

TEST(Blocks, HaveTheSizesOfTheTypeTable) {
  const auto bytes = [](DType dtype) { return static_cast<size_t>(info(dtype).block_bytes); };
  EXPECT_EQ(sizeof(BlockQ8_0), bytes(DType::kQ8_0));
  EXPECT_EQ(sizeof(BlockQ4_0), bytes(DType::kQ4_0));
  EXPECT_EQ(sizeof(BlockQ4_1), bytes(DType::kQ4_1));
  EXPECT_EQ(sizeof(BlockQ5_0), bytes(DType::kQ5_0));
  EXPECT_EQ(sizeof(BlockQ5_1), bytes(DType::kQ5_1));
  EXPECT_EQ(sizeof(BlockQ2_K), bytes(DType::kQ2_K));
  EXPECT_EQ(sizeof(BlockQ3_K), bytes(DType::kQ3_K));
  EXPECT_EQ(sizeof(BlockQ4_K), bytes(DType::kQ4_K));
  EXPECT_EQ(sizeof(BlockQ5_K), bytes(DType::kQ5_K));
  EXPECT_EQ(sizeof(BlockQ6_K), bytes(DType::kQ6_K));
  EXPECT_EQ(sizeof(BlockIQ4_NL), bytes(DType::kIQ4_NL));
  EXPECT_EQ(sizeof(BlockIQ4_XS), bytes(DType::kIQ4_XS));
}

TEST(Decode, Q8_0) {
  const auto x = Bytes(DType::kQ8_0).half(0, 0.5f).set(2, 127).set(3, 0x80).set(33, 0xff).decoded();
  EXPECT_EQ(x[0], 63.5f);
  EXPECT_EQ(x[1], -64.0f);
  EXPECT_EQ(x[2], 0.0f);
  EXPECT_EQ(x[31], -0.5f);
}

TEST(Decode, Q4_0) {
  const auto x = Bytes(DType::kQ4_0).half(0, 2.0f).set(2, 0xf0).set(17, 0x9c).decoded();
  EXPECT_EQ(x[0], -16.0f);
  EXPECT_EQ(x[16], 14.0f);
  EXPECT_EQ(x[15], 8.0f);
  EXPECT_EQ(x[31], 2.0f);
}

TEST(Decode, Q4_1) {
  const auto x = Bytes(DType::kQ4_1).half(0, 0.25f).half(2, -1.0f).set(4, 0xf0).set(19, 0x3c).decoded();
  EXPECT_EQ(x[0], -1.0f);
  EXPECT_EQ(x[16], 2.75f);
  EXPECT_EQ(x[15], 2.0f);
  EXPECT_EQ(x[31], -0.25f);
}

TEST(Decode, Q5_0) {
  // Fifth bits of elements 0, 9 and 31.
  const auto x =
      Bytes(DType::kQ5_0).half(0, 1.0f).set(2, 1).set(3, 2).set(5, 0x80).set(6, 0x25).set(21, 0xf0).decoded();
  EXPECT_EQ(x[0], 5.0f);     // 16 + 5 - 16
  EXPECT_EQ(x[16], -14.0f);  // 2 - 16
  EXPECT_EQ(x[9], 0.0f);     // 16 - 16
  EXPECT_EQ(x[31], 15.0f);   // 31 - 16
  EXPECT_EQ(x[15], -16.0f);
}

TEST(Decode, Q5_1) {
  const auto x =
      Bytes(DType::kQ5_1).half(0, 0.5f).half(2, 3.0f).set(4, 1).set(7, 0x80).set(8, 0x25).set(23, 0xf0).decoded();
  EXPECT_EQ(x[0], 13.5f);   // 21 / 2 + 3
  EXPECT_EQ(x[16], 4.0f);   // 2 / 2 + 3
  EXPECT_EQ(x[31], 18.5f);  // 31 / 2 + 3
}

TEST(Decode, Q2_K) {
  // d = 1 at byte 80, dmin = 0.5 at 82; sub-block 0: scale 3, min 2; sub-block 15: scale 15, min 15.
  const auto x = Bytes(DType::kQ2_K)
                     .half(80, 1.0f)
                     .half(82, 0.5f)
                     .set(0, 0x23)
                     .set(15, 0xff)
                     .set(16, 0x02)
                     .set(79, 0xc0)
                     .decoded();
  EXPECT_EQ(x[0], 5.0f);     // 3 * 2 - 0.5 * 2
  EXPECT_EQ(x[1], -1.0f);    // 3 * 0 - 0.5 * 2
  EXPECT_EQ(x[255], 37.5f);  // 15 * 3 - 0.5 * 15; element 127 of the upper half: bits 6 and 7 of byte 31
  EXPECT_EQ(x[128], 0.0f);
}

TEST(Decode, Q3_K) {
  // Scale 0 = 32 + 1: low nibble 1 in byte 96, upper bits 2 in byte 104. Scale 15 = 63: high nibble of 103, 107.
  const auto x = Bytes(DType::kQ3_K)
                     .half(108, 2.0f)
                     .set(96, 0x01)
                     .set(104, 0x02)
                     .set(103, 0xf0)
                     .set(107, 0xc0)
                     .set(0, 0x01)   // third bit of element 0
                     .set(32, 0x03)  // low bits of element 0
                     .set(31, 0x80)  // third bit of element 255
                     .set(95, 0x40)  // low bits of element 255
                     .decoded();
  EXPECT_EQ(x[0], 6.0f);     // 2 * 1 * (7 - 4)
  EXPECT_EQ(x[1], -8.0f);    // 2 * 1 * (0 - 4)
  EXPECT_EQ(x[255], 62.0f);  // 2 * 31 * (5 - 4)
  EXPECT_EQ(x[254], -248.0f);
}

TEST(Decode, Q4_K) {
  // Sub-block 0: scale 5, min 3. Sub-block 7: scale 0x2a = 42 (nibble 10, upper bits 2), min 0x35 = 53 (5, 3).
  const auto x = Bytes(DType::kQ4_K)
                     .half(0, 0.5f)
                     .half(2, 0.25f)
                     .set(4, 5)
                     .set(8, 3)
                     .set(7, 0x80)
                     .set(11, 0xc0)
                     .set(15, 0x5a)
                     .set(16, 0x07)   // element 0 = 7
                     .set(143, 0xe0)  // element 255 = 14
                     .decoded();
  EXPECT_EQ(x[0], 16.75f);  // 0.5 * 5 * 7 - 0.25 * 3
  EXPECT_EQ(x[1], -0.75f);
  EXPECT_EQ(x[255], 280.75f);  // 0.5 * 42 * 14 - 0.25 * 53
  EXPECT_EQ(x[32], 0.0f);
}

TEST(Decode, Q5_K) {
  const auto x = Bytes(DType::kQ5_K)
                     .half(0, 0.5f)
                     .half(2, 0.25f)
                     .set(4, 5)
                     .set(8, 3)
                     .set(15, 0x01)  // sub-block 7: scale 1, min 0
                     .set(16, 0x01)  // fifth bit of element 0
                     .set(47, 0x80)  // fifth bit of element 255
                     .set(48, 0x07)
                     .set(175, 0xe0)
                     .decoded();
  EXPECT_EQ(x[0], 56.75f);   // 0.5 * 5 * 23 - 0.25 * 3
  EXPECT_EQ(x[255], 15.0f);  // 0.5 * 1 * 30
}

TEST(Decode, Q6_K) {
  const auto x = Bytes(DType::kQ6_K)
                     .half(208, 0.5f)
                     .set(192, 2)
                     .set(207, 0xfd)  // scale of elements 240..255 is -3
                     .set(0, 0x0f)    // element 0: low bits 15
                     .set(128, 0x03)  // upper bits 3
                     .set(127, 0x50)  // element 255: low bits 5
                     .set(191, 0x80)  // upper bits 2
                     .decoded();
  EXPECT_EQ(x[0], 31.0f);  // 0.5 * 2 * (63 - 32)
  EXPECT_EQ(x[1], -32.0f);
  EXPECT_EQ(x[255], -7.5f);  // 0.5 * -3 * (37 - 32)
  EXPECT_EQ(x[128], 0.0f);
}

TEST(Decode, Iq4) {
  const auto nl = Bytes(DType::kIQ4_NL).half(0, 0.5f).set(2, 0xf0).set(17, 0x87).decoded();
  EXPECT_EQ(nl[0], -63.5f);
  EXPECT_EQ(nl[16], 56.5f);
  EXPECT_EQ(nl[15], -5.0f);
  EXPECT_EQ(nl[31], 0.5f);

  // Sub-block 0: scale 32 + 1 (nibble 1, upper bits 2). Sub-block 7: scale 63.
  const auto xs = Bytes(DType::kIQ4_XS)
                      .half(0, 0.5f)
                      .set(2, 0x02)
                      .set(3, 0xc0)
                      .set(4, 0x01)
                      .set(7, 0xf0)
                      .set(8, 0xf0)
                      .set(135, 0xf0)
                      .decoded();
  EXPECT_EQ(xs[0], -63.5f);
  EXPECT_EQ(xs[16], 56.5f);
  EXPECT_EQ(xs[255], 1751.5f);  // 0.5 * 31 * 113
}

TEST(Decode, PlainFloatsFromAnyAddress) {
  const unsigned char bytes[] = {0xee, 0x00, 0x3c, 0x00, 0xc0, 0x80, 0x3f, 0x7e, 0x01};
  const auto at = [&](size_t i) { return reinterpret_cast<const std::byte*>(bytes) + i; };
  std::vector<float> x(2);
  decode(DType::kF16, at(1), x);
  EXPECT_EQ(x, (std::vector<float>{1.0f, -2.0f}));
  decode(DType::kF8E4M3, at(7), x);
  EXPECT_EQ(x, (std::vector<float>{448.0f, 0x1p-9f}));
  x.resize(1);
  decode(DType::kBF16, at(5), x);
  EXPECT_EQ(x[0], 1.0f);
  decode(DType::kF32, at(3), x);  // 00 c0 80 3f
  EXPECT_EQ(x[0], 0x1.018p0f);
}

TEST(Decode, IntegersAreNotWeights) {
  EXPECT_FALSE(can_decode(DType::kI32));
  EXPECT_DEATH(decode(DType::kI32, nullptr, {}), "I32");
  std::vector<float> x(31);
  EXPECT_DEATH(decode(DType::kQ8_0, nullptr, x), "31 elements of Q8_0");
}

TEST(KScales, PackAndUnpackAreInverse) {
  KScales s;
  for (size_t j = 0; j < 8; ++j) {
    s.scale[j] = static_cast<uint8_t>((j * 23 + 5) % 64);
    s.min[j] = static_cast<uint8_t>((j * 41 + 62) % 64);
  }
  const KScales back = unpack_k_scales(pack_k_scales(s));
  EXPECT_EQ(back.scale, s.scale);
  EXPECT_EQ(back.min, s.min);
}

TEST(Q3Scales, PackAndUnpackAreInverse) {
  std::array<uint8_t, 16> scales;
  for (size_t j = 0; j < 16; ++j) scales[j] = static_cast<uint8_t>((j * 23 + 5) % 64);
  EXPECT_EQ(unpack_q3_scales(pack_q3_scales(scales)), scales);
}

/// For every type that has them: a bad half field spoils its whole block and no other.
TEST(FindNonFinite, NamesTheFirstBadElement) {
  struct Field {
    DType dtype;
    size_t offset;
  };
  const Field fields[] = {{DType::kQ8_0, 0},  {DType::kQ4_0, 0},   {DType::kQ4_1, 0},   {DType::kQ4_1, 2},
                          {DType::kQ5_0, 0},  {DType::kQ5_1, 0},   {DType::kQ5_1, 2},   {DType::kQ2_K, 80},
                          {DType::kQ2_K, 82}, {DType::kQ3_K, 108}, {DType::kQ4_K, 0},   {DType::kQ4_K, 2},
                          {DType::kQ5_K, 0},  {DType::kQ5_K, 2},   {DType::kQ6_K, 208}, {DType::kF16, 0},
                          {DType::kBF16, 0},  {DType::kIQ4_NL, 0}, {DType::kIQ4_XS, 0}};
  for (const auto& [dtype, offset] : fields) {
    SCOPED_TRACE(fmt::format("{} at {}", name(dtype), offset));
    const auto block_bytes = static_cast<size_t>(info(dtype).block_bytes);
    const int64_t n = 3 * info(dtype).block_size;
    std::vector<std::byte> blocks(3 * block_bytes);
    EXPECT_EQ(find_non_finite(dtype, blocks.data(), n), std::nullopt);
    for (const int high : {0x7f, 0xff}) {  // with a low byte of 0x80 a NaN of both 16-bit formats, or BF16 infinity
      blocks[block_bytes + offset] = std::byte{0x80};
      blocks[block_bytes + offset + 1] = static_cast<std::byte>(high);
      EXPECT_EQ(find_non_finite(dtype, blocks.data(), n), info(dtype).block_size);
      std::vector<float> x(static_cast<size_t>(n));
      decode(dtype, blocks.data(), x);
      for (int64_t i = 0; i < n; ++i)
        EXPECT_EQ(std::isfinite(x[static_cast<size_t>(i)]), i / info(dtype).block_size != 1) << i;
    }
  }
}

TEST(FindNonFinite, SeesF32AndE4M3) {
  const float x[] = {1.0f, -INFINITY, NAN};
  EXPECT_EQ(find_non_finite(DType::kF32, reinterpret_cast<const std::byte*>(x), 3), 1);
  EXPECT_EQ(find_non_finite(DType::kF32, reinterpret_cast<const std::byte*>(x), 1), std::nullopt);
  const unsigned char codes[] = {0x7e, 0xfe, 0xff};
  EXPECT_EQ(find_non_finite(DType::kF8E4M3, reinterpret_cast<const std::byte*>(codes), 3), 2);
  std::vector<std::byte> many(9000, std::byte{0x38});
  EXPECT_EQ(find_non_finite(DType::kF8E4M3, many.data(), 9000), std::nullopt);
  many[5001] = many[8000] = std::byte{0x7f};
  EXPECT_EQ(find_non_finite(DType::kF8E4M3, many.data(), 9000), 5001);
}

}  // namespace
}  // namespace adder
