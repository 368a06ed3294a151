// Every way a GGUF file can be wrong that we could think of: a clear error, and no memory taken for what is not there.
#include <gtest/gtest.h>

#include <memory>

#include "core/base/rng.h"
#include "core/base/testing/expect_error.h"
#include "core/formats/gguf.h"
#include "core/formats/testing/allocation_meter.h"
#include "core/formats/testing/gguf_bytes.h"

namespace adder {
namespace {

using testing::AllocationMeter;
using testing::expect_error;
using testing::GgufBytes;

constexpr uint64_t k2To63 = uint64_t{1} << 63;
constexpr uint32_t kF32 = 0, kQ4_K = 12;

/// Parses a copy that ends where its heap block ends, so that a sanitizer sees a read past it, and checks that the
/// memory taken on the way is justified by the bytes that are there.
Result<Gguf> parse(std::string_view text) {
  const auto copy = std::make_unique<std::byte[]>(text.size());
  std::memcpy(copy.get(), text.data(), text.size());
  const AllocationMeter meter;
  auto result = Gguf::parse({copy.get(), text.size()}, "bad.gguf");
  EXPECT_LT(meter.bytes(), 8192 + 40 * text.size()) << "of " << text.size() << " bytes";
  return result;
}

template <class... Parts>
void expect_corrupt(const GgufBytes& bytes, const Parts&... parts) {
  expect_error(parse(bytes.str()), ErrorCode::kCorrupt, "bad.gguf", parts...);
}
template <class... Parts>
void expect_unsupported(const GgufBytes& bytes, const Parts&... parts) {
  expect_error(parse(bytes.str()), ErrorCode::kUnsupported, "bad.gguf", parts...);
}

/// One F32 tensor of 8 elements, all its data there.
GgufBytes one_tensor(std::initializer_list<uint64_t> dims, uint32_t type, uint64_t offset) {
  return GgufBytes().header(1, 0).tensor("w", dims, type, offset).pad(32).zeros(32);
}

// --- The container ---

TEST(GgufBadInput, EmptyFile) {
  expect_corrupt(GgufBytes(), "truncated", "the magic number", "0 are left");
}

TEST(GgufBadInput, WrongMagic) {
  expect_corrupt(GgufBytes().raw("GGML").u32(3).zeros(16), "not a GGUF file", "'GGML'", "'GGUF'");
  expect_corrupt(GgufBytes().raw("FUGG").u32(3).zeros(16), "not a GGUF file", "'FUGG'");
  expect_corrupt(GgufBytes().raw("\x80\n\xff'").zeros(20), "not a GGUF file", "'\\x80\\x0a\\xff'");
}

TEST(GgufBadInput, OldVersions) {
  expect_unsupported(GgufBytes().header(0, 0, 1), "GGUF version 1, expected 3");
  expect_unsupported(GgufBytes().header(0, 0, 2), "GGUF version 2, expected 3");
}

TEST(GgufBadInput, UnknownVersions) {
  expect_unsupported(GgufBytes().header(0, 0, 0), "GGUF version 0, expected 3");
  expect_unsupported(GgufBytes().header(0, 0, 4), "GGUF version 4, expected 3");
  expect_unsupported(GgufBytes().header(0, 0, 0xffffffffu), "GGUF version 4294967295");
}

TEST(GgufBadInput, BigEndian) {
  expect_unsupported(GgufBytes().header(0, 0, 0x03000000u), "big-endian GGUF file (version 3)", "little-endian");
  expect_unsupported(GgufBytes().header(0, 0, 0x02000000u), "big-endian GGUF file (version 2)");
}

TEST(GgufBadInput, TensorCountOf2To63) {
  expect_corrupt(GgufBytes().header(k2To63, 0).zeros(100), "9223372036854775808 tensors announced", "100 bytes left");
  expect_corrupt(GgufBytes().header(~uint64_t{0}, 0).zeros(100), "18446744073709551615 tensors announced");
}

TEST(GgufBadInput, TensorCountOneTooMany) {
  auto bytes = GgufBytes().header(2, 0).tensor("w", {8}, kF32, 0);
  expect_corrupt(bytes, "2 tensors announced", "hold at most 1");
}

TEST(GgufBadInput, MetadataCountOf2To63) {
  expect_corrupt(GgufBytes().header(0, k2To63).zeros(100), "9223372036854775808 metadata entries announced");
  expect_corrupt(GgufBytes().header(0, ~uint64_t{0}).zeros(100), "18446744073709551615 metadata entries");
}

// --- Metadata ---

TEST(GgufBadInput, KeyLengthOf2To63) {
  expect_corrupt(GgufBytes().header(0, 1).u64(k2To63).zeros(50), "truncated", "a metadata key",
                 "9223372036854775808 bytes", "50 are left");
  expect_corrupt(GgufBytes().header(0, 1).u64(~uint64_t{0}).zeros(50), "18446744073709551615 bytes");
}

TEST(GgufBadInput, EmptyKey) {
  expect_corrupt(GgufBytes().header(0, 1).u32_entry("", 1), "a metadata key of 0 bytes");
}

TEST(GgufBadInput, OverlongKey) {
  expect_corrupt(GgufBytes().header(0, 1).u32_entry(std::string(65536, 'k'), 1), "key of 65536 bytes");
  EXPECT_TRUE(parse(GgufBytes().header(0, 1).u32_entry(std::string(65535, 'k'), 1).str()));
}

TEST(GgufBadInput, KeyIsNotUtf8) {
  // A stray byte, an overlong '/', a surrogate, past U+10FFFF, cut short.
  for (const char* key : {"\xff", "a\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe6\x97"})
    expect_corrupt(GgufBytes().header(0, 1).u32_entry(key, 1), "is not UTF-8", "\\x");
}

TEST(GgufBadInput, DuplicateKey) {
  expect_corrupt(GgufBytes().header(0, 2).u32_entry("twin", 1).text_entry("twin", "x"), "'twin' is there twice");
}

TEST(GgufBadInput, UnknownValueType) {
  expect_corrupt(GgufBytes().header(0, 1).key("k", 13).zeros(8), "'k'", "value type 13 is unknown", "0 to 12");
  expect_corrupt(GgufBytes().header(0, 1).key("k", ~0u).zeros(8), "'k'", "value type 4294967295 is unknown");
}

TEST(GgufBadInput, TextLengthOf2To63) {
  expect_corrupt(GgufBytes().header(0, 1).key("k", 8).u64(k2To63).zeros(9), "'k'", "9223372036854775808 bytes");
}

TEST(GgufBadInput, ArrayCountOf2To63) {
  for (uint32_t type = 0; type <= 12; ++type) {
    if (type == 9) continue;
    expect_corrupt(GgufBytes().header(0, 1).array("k", type, k2To63).zeros(64), "'k'",
                   "9223372036854775808 array elements announced");
    expect_corrupt(GgufBytes().header(0, 1).array("k", type, ~uint64_t{0}).zeros(64), "'k'", "array elements");
  }
}

TEST(GgufBadInput, ArrayCountWhoseBytesWrap) {
  // 2^61 elements of 8 bytes are 2^64: 0 in 64 bits.
  expect_corrupt(GgufBytes().header(0, 1).array("k", 10, uint64_t{1} << 61).zeros(64), "2305843009213693952 array");
}

TEST(GgufBadInput, ArrayOfMoreTextsThanBytes) {
  expect_corrupt(GgufBytes().header(0, 1).array("k", 8, 3).zeros(16), "3 array elements", "hold at most 2");
}

TEST(GgufBadInput, ArrayTooLong) {
  const auto bytes = GgufBytes().header(0, 1).array("k", 0, (1 << 24) + 1).zeros((1 << 24) + 1);
  expect_error(parse(bytes.str()), ErrorCode::kTooLarge, "'k'", "16777217 elements", "at most 16777216");
}

TEST(GgufBadInput, ArrayOfArrays) {
  expect_unsupported(GgufBytes().header(0, 1).array("k", 9, 1).u32(4).u64(1).u32(7), "'k'", "array of arrays");
}

TEST(GgufBadInput, UnknownElementType) {
  expect_corrupt(GgufBytes().header(0, 1).array("k", 77, 1).zeros(64), "'k'", "element type 77 is unknown");
}

TEST(GgufBadInput, BoolThatIsNeither) {
  expect_corrupt(GgufBytes().header(0, 1).entry<uint8_t>("k", 7, 2), "'k'", "bool", "found 2");
  expect_corrupt(GgufBytes().header(0, 1).array("k", 7, 2).number<uint16_t>(0x0301), "'k'", "bool", "found 3");
}

TEST(GgufBadInput, U64ElementPast63Bits) {
  expect_unsupported(GgufBytes().header(0, 1).array("k", 10, 2).u64(1).u64(k2To63), "'k'", "element 1",
                     "9223372036854775808");
}

TEST(GgufBadInput, AlignmentZero) {
  expect_corrupt(GgufBytes().header(0, 1).u32_entry("general.alignment", 0), "'general.alignment': 0", "power of two");
}

TEST(GgufBadInput, AlignmentOdd) {
  for (const uint32_t alignment : {1u, 3u, 33u, 48u, 0xffffffffu})
    expect_corrupt(GgufBytes().header(0, 1).u32_entry("general.alignment", alignment),
                   fmt::format("'general.alignment': {},", alignment));
}

TEST(GgufBadInput, AlignmentTooSmallToReadInPlace) {
  for (const uint32_t alignment : {1u, 2u, 4u})
    expect_corrupt(GgufBytes().header(0, 1).u32_entry("general.alignment", alignment), "from 8 to 2^19");
}

TEST(GgufBadInput, AlignmentOf2To30) {
  expect_corrupt(GgufBytes().header(0, 1).u32_entry("general.alignment", 1u << 30), "1073741824", "from 8 to 2^19");
  expect_corrupt(GgufBytes().header(0, 1).u32_entry("general.alignment", 1u << 20), "1048576");
}

TEST(GgufBadInput, AlignmentOfAnotherType) {
  expect_corrupt(GgufBytes().header(0, 1).text_entry("general.alignment", "32"), "expected u32, found text");
  expect_corrupt(GgufBytes().header(0, 1).entry<uint64_t>("general.alignment", 10, 32), "expected u32, found u64");
  expect_corrupt(GgufBytes().header(0, 1).array("general.alignment", 4, 1).u32(32), "found array of u32");
}

// --- The tensor list ---

TEST(GgufBadInput, NameLengthOf2To63) {
  expect_corrupt(GgufBytes().header(1, 0).u64(k2To63).zeros(60), "a tensor name", "9223372036854775808 bytes");
}

TEST(GgufBadInput, EmptyName) {
  expect_corrupt(GgufBytes().header(1, 0).tensor("", {8}, kF32, 0).zeros(64), "a tensor name of 0 bytes");
}

TEST(GgufBadInput, NameIsNotUtf8) {
  expect_corrupt(GgufBytes().header(1, 0).tensor("w\xfe", {8}, kF32, 0).pad(32).zeros(32), "'w\\xfe' is not UTF-8");
}

TEST(GgufBadInput, DuplicateName) {
  expect_corrupt(GgufBytes().header(2, 0).tensor("w", {8}, kF32, 0).tensor("w", {8}, kF32, 32).pad(32).zeros(64),
                 "tensor 'w' is there twice");
}

TEST(GgufBadInput, NoDims) {
  expect_corrupt(one_tensor({}, kF32, 0), "'w'", "0 dims, expected 1 to 4");
}

TEST(GgufBadInput, TooManyDims) {
  expect_corrupt(one_tensor({1, 1, 1, 1, 1}, kF32, 0), "'w'", "5 dims, expected 1 to 4");
  expect_corrupt(GgufBytes().header(1, 0).text("w").u32(0xffffffffu).zeros(64), "'w'", "4294967295 dims");
}

TEST(GgufBadInput, DimOfZero) {
  expect_corrupt(one_tensor({8, 0}, kF32, 0), "'w'", "dim 1 is 0");
}

TEST(GgufBadInput, DimOf2To63) {
  expect_corrupt(one_tensor({k2To63}, kF32, 0), "'w'", "[9223372036854775808]", "does not fit");
  expect_corrupt(one_tensor({~uint64_t{0}}, kF32, 0), "'w'", "does not fit");
}

TEST(GgufBadInput, DimsWhoseProductWraps) {
  // 2^32 x 2^32 is 0 in 64 bits; (2^32+1) x 2^32 is 2^32; 2^62 elements of 4 bytes are 0.
  expect_corrupt(one_tensor({uint64_t{1} << 32, uint64_t{1} << 32}, kF32, 0), "'w'", "does not fit");
  expect_corrupt(one_tensor({(uint64_t{1} << 32) + 1, uint64_t{1} << 32}, kF32, 0), "'w'", "does not fit");
  expect_corrupt(one_tensor({uint64_t{1} << 62}, kF32, 0), "'w'", "does not fit");
  expect_corrupt(one_tensor({uint64_t{1} << 16, uint64_t{1} << 16, uint64_t{1} << 16, uint64_t{1} << 16}, kF32, 0),
                 "'w'", "does not fit");
}

TEST(GgufBadInput, TypeWithoutCodec) {
  expect_unsupported(one_tensor({256}, 39, 0), "'w'", "type 39 (MXFP4)");
  expect_unsupported(one_tensor({256}, 16, 0), "'w'", "type 16 (IQ2_XXS)");
  expect_unsupported(one_tensor({256}, 4, 0), "'w'", "type 4 (Q4_2 (removed))");
}

TEST(GgufBadInput, UnknownType) {
  expect_unsupported(one_tensor({256}, 41, 0), "'w'", "type 41 (unknown)");
  expect_unsupported(one_tensor({256}, 0xffffffffu, 0), "'w'", "type 4294967295 (unknown)");
}

TEST(GgufBadInput, RowsThatAreNotWholeBlocks) {
  expect_corrupt(one_tensor({3136, 2}, kQ4_K, 0), "'w'", "rows of 3136 elements", "Q4_K", "blocks of 256");
  // 2 rows of 128 are 256 elements, and still no row is a block.
  expect_corrupt(one_tensor({128, 2}, kQ4_K, 0), "'w'", "rows of 128 elements");
}

TEST(GgufBadInput, UnalignedOffset) {
  expect_corrupt(one_tensor({4}, kF32, 4), "'w'", "data offset 4 is not a multiple of the alignment 32");
}

TEST(GgufBadInput, OffsetPastTheEnd) {
  expect_corrupt(one_tensor({8}, kF32, 32), "'w'", "32 bytes at data offset 32", "the 32 data bytes");
  expect_corrupt(one_tensor({8}, kF32, 64), "'w'", "data offset 64");
}

TEST(GgufBadInput, OffsetOf2To63) {
  expect_corrupt(one_tensor({8}, kF32, k2To63), "'w'", "data offset 9223372036854775808");
  // offset + bytes is 0 in 64 bits
  expect_corrupt(one_tensor({8}, kF32, ~uint64_t{0} - 31), "'w'", "data offset 18446744073709551584");
}

TEST(GgufBadInput, DataPastTheEnd) {
  expect_corrupt(one_tensor({9}, kF32, 0), "'w'", "36 bytes at data offset 0 reach past the end", "32 data bytes");
}

TEST(GgufBadInput, NoDataAtAll) {
  expect_corrupt(GgufBytes().header(1, 0).tensor("w", {8}, kF32, 0), "'w'", "the 0 data bytes");
}

TEST(GgufBadInput, OverlappingTensors) {
  const auto bytes = [](uint64_t offset) {
    return GgufBytes().header(2, 0).tensor("b", {8}, kF32, offset).tensor("a", {16}, kF32, 0).pad(32).zeros(96);
  };
  expect_corrupt(bytes(32), "'a' and 'b' overlap", "0 to 64", "from 32");
  expect_corrupt(bytes(0), "overlap");
  EXPECT_TRUE(parse(bytes(64).str()));
}

TEST(GgufBadInput, AliasedTensors) {
  expect_corrupt(GgufBytes().header(2, 0).tensor("a", {8}, kF32, 0).tensor("b", {8}, kF32, 0).pad(32).zeros(32),
                 "overlap");
}

// --- Damage to a good file ---

/// Something of everything; `header_bytes` is where the padding before the data begins.
std::string good_file(size_t& header_bytes) {
  GgufBytes bytes;
  bytes.header(2, 5);
  bytes.text_entry("general.architecture", "nemotron_h");
  bytes.u32_entry("general.alignment", 32);
  bytes.entry<uint8_t>("flag", 7, 1);
  bytes.array("tokenizer.ggml.tokens", 8, 3).text("a").text("").text("\xc4\xa0the");
  bytes.array("nemotron_h.feed_forward_length", 5, 2).u32(0).u32(64);
  bytes.tensor("blk.0.ffn_up.weight", {32, 3}, 8, 32);
  bytes.tensor("output_norm.weight", {4}, kF32, 0);
  header_bytes = bytes.str().size();
  return bytes.pad(32).zeros(32 + 3 * 34).str();
}

TEST(GgufDamage, TruncatedAtEveryByteOfTheHeader) {
  size_t header_bytes = 0;
  const std::string file = good_file(header_bytes);
  ASSERT_TRUE(parse(file));
  for (size_t n = 0; n < header_bytes; ++n) {
    SCOPED_TRACE(n);
    expect_error(parse(file.substr(0, n)), ErrorCode::kCorrupt, "bad.gguf", "left");
  }
}

TEST(GgufDamage, TruncatedAnywhereInTheData) {
  size_t header_bytes = 0;
  const std::string file = good_file(header_bytes);
  for (size_t n = header_bytes; n < file.size(); ++n) {
    SCOPED_TRACE(n);
    expect_error(parse(file.substr(0, n)), ErrorCode::kCorrupt, "reach past the end");
  }
}

TEST(GgufDamage, AnyByteChanged) {
  // Most changes are still a file, or must be an error; none may read outside the bytes or take memory.
  size_t header_bytes = 0;
  const std::string file = good_file(header_bytes);
  for (size_t i = 0; i < header_bytes; ++i) {
    for (const int change : {1, 0x7f, 0x80, 0xff}) {
      std::string changed = file;
      changed[i] = static_cast<char>(changed[i] ^ change);
      if (const auto gguf = parse(changed); !gguf) {
        SCOPED_TRACE(i);
        EXPECT_LT(gguf.error().message().size(), 1000u);
      }
    }
  }
}

TEST(GgufDamage, RandomBytesAfterTheMagic) {
  Rng rng(1);
  for (int round = 0; round < 2000; ++round) {
    auto bytes = GgufBytes().header(rng.below(4), rng.below(4));
    const size_t n = rng.below(300);
    for (size_t i = 0; i < n; ++i) bytes.number(static_cast<uint8_t>(rng.below(2) * rng.below(256)));
    (void)parse(bytes.str());
  }
}

}  // namespace
}  // namespace adder
