// Every way a safetensors file can be wrong that we could think of: a clear error, and no memory taken for what is not
// there.
#include <gtest/gtest.h>

#include <memory>

#include "core/base/testing/expect_error.h"
#include "core/formats/safetensors.h"
#include "core/formats/testing/allocation_meter.h"
#include "core/formats/testing/safetensors_bytes.h"

namespace adder {
namespace {

using testing::AllocationMeter;
using testing::expect_error;
using testing::safetensors_file;
using testing::safetensors_length;

constexpr auto kCorrupt = ErrorCode::kCorrupt;
constexpr auto kUnsupported = ErrorCode::kUnsupported;

/// Parses a copy that ends where its heap block ends, and checks that the memory taken is justified by the bytes.
Result<Safetensors> parse(std::string_view text) {
  const auto copy = std::make_unique<std::byte[]>(text.size());
  std::memcpy(copy.get(), text.data(), text.size());
  const AllocationMeter meter;
  auto result = Safetensors::parse({copy.get(), text.size()}, "bad.safetensors");
  EXPECT_LT(meter.bytes(), 16384 + 100 * text.size()) << "of " << text.size() << " bytes";
  return result;
}

template <class... Parts>
void expect_bad(ErrorCode code, const std::string& bytes, const Parts&... parts) {
  expect_error(parse(bytes), code, "bad.safetensors", parts...);
}

/// A file with one tensor entry of this text, and 16 bytes of data.
std::string with_entry(const std::string& entry) {
  return safetensors_file("{\"w\": " + entry + "}", 16);
}

// --- The container ---

TEST(SafetensorsBadInput, ShorterThanItsLengthField) {
  for (size_t n = 0; n < 8; ++n) expect_bad(kCorrupt, safetensors_length(2).substr(0, n), "the header length", "left");
}

TEST(SafetensorsBadInput, HeaderLengthPastTheFile) {
  expect_bad(kCorrupt, safetensors_length(3) + "{}", "a header of 3 bytes announced, the file has 2");
}

TEST(SafetensorsBadInput, HeaderLengthOf2To63) {
  expect_bad(kCorrupt, safetensors_length(uint64_t{1} << 63) + "{}", "a header of 9223372036854775808 bytes");
  expect_bad(kCorrupt, safetensors_length(~uint64_t{0}) + "{}", "a header of 18446744073709551615 bytes");
}

TEST(SafetensorsBadInput, HeaderOfMoreThan100MB) {
  expect_bad(kCorrupt, safetensors_length(100'000'001) + std::string(100'000'001, ' '), "100000001 bytes",
             "at most 100000000");
}

TEST(SafetensorsBadInput, HeaderDoesNotBeginWithABrace) {
  expect_bad(kCorrupt, safetensors_length(3) + " {}", "begins with ' '");
  expect_bad(kCorrupt, safetensors_length(0), "begins with ''");
  expect_bad(kCorrupt, safetensors_length(2) + "[]", "begins with '['");
}

TEST(SafetensorsBadInput, HeaderIsNotJson) {
  expect_bad(kCorrupt, safetensors_file("{\"w\": ", 0), "header", "not JSON at byte");
  expect_bad(kCorrupt, safetensors_length(4) + std::string("{}\0 ", 4), "not JSON");
}

TEST(SafetensorsBadInput, HeaderIsNotUtf8) {
  expect_bad(kCorrupt, safetensors_file("{\"\xff\": 1}", 0), "not JSON at byte 3");
}

TEST(SafetensorsBadInput, DeepHeader) {
  expect_bad(kCorrupt, safetensors_file("{\"w\": " + std::string(100'000, '['), 0), "nested deeper than 100");
}

TEST(SafetensorsBadInput, DuplicateName) {
  expect_bad(kCorrupt,
             safetensors_file(R"({"w": {"dtype": "I8", "shape": [4], "data_offsets": [0, 4]},
                      "w": {"dtype": "I8", "shape": [4], "data_offsets": [4, 8]}})",
                              8),
             "key 'w' is there twice");
}

TEST(SafetensorsBadInput, MetadataThatIsNotTexts) {
  expect_bad(kCorrupt, safetensors_file(R"({"__metadata__": []})", 0),
             "'__metadata__': expected an object, found array");
  expect_bad(kCorrupt, safetensors_file(R"({"__metadata__": {"n": 1}})", 0),
             "key 'n': expected a string, found number");
}

// --- A tensor's entry ---

TEST(SafetensorsBadInput, EntryIsNotAnObject) {
  expect_bad(kCorrupt, with_entry("[]"), "tensor 'w'", "expected an object, found array");
}

TEST(SafetensorsBadInput, FieldsMissing) {
  expect_bad(kCorrupt, with_entry(R"({"shape": [4], "data_offsets": [0, 16]})"), "'w'", "'dtype' is missing");
  expect_bad(kCorrupt, with_entry(R"({"dtype": "F32", "data_offsets": [0, 16]})"), "'w'", "'shape' is missing");
  expect_bad(kCorrupt, with_entry(R"({"dtype": "F32", "shape": [4]})"), "'w'", "'data_offsets' is missing");
}

TEST(SafetensorsBadInput, FieldsOfAnotherType) {
  expect_bad(kCorrupt, with_entry(R"({"dtype": 1, "shape": [4], "data_offsets": [0, 16]})"), "'dtype'",
             "expected a string, found number");
  expect_bad(kCorrupt, with_entry(R"({"dtype": "F32", "shape": 4, "data_offsets": [0, 16]})"), "'shape'",
             "expected an array, found number");
  for (const char* dim : {"-4", "4.0", "\"4\"", "null", "18446744073709551616"})
    expect_bad(kCorrupt, with_entry(fmt::format(R"({{"dtype": "F32", "shape": [{}], "data_offsets": [0, 16]}})", dim)),
               "'shape'", "expected integers");
}

TEST(SafetensorsBadInput, UnknownDtype) {
  for (const char* dtype : {"C64", "F4", "F6_E2M3", "f32", ""})
    expect_bad(kUnsupported,
               with_entry(fmt::format(R"({{"dtype": "{}", "shape": [4], "data_offsets": [0, 16]}})", dtype)), "'w'",
               fmt::format("dtype '{}' cannot be read", dtype));
}

TEST(SafetensorsBadInput, TooManyDims) {
  expect_bad(kUnsupported, with_entry(R"({"dtype": "F32", "shape": [1,1,1,1,4], "data_offsets": [0, 16]})"), "'w'",
             "5 dims, at most 4");
}

TEST(SafetensorsBadInput, DimsWhoseProductWraps) {
  for (const char* shape : {"4294967296, 4294967296", "9223372036854775808", "18446744073709551615",
                            "4611686018427387904", "0, 9223372036854775808", "4294967296, 4294967296, 0"})
    expect_bad(kCorrupt, with_entry(fmt::format(R"({{"dtype": "F32", "shape": [{}], "data_offsets": [0, 0]}})", shape)),
               "'w'", "does not fit");
}

TEST(SafetensorsBadInput, OffsetsOfOtherCounts) {
  for (const char* offsets : {"", "0", "0, 16, 16"})
    expect_bad(kCorrupt, with_entry(fmt::format(R"({{"dtype": "F32", "shape": [4], "data_offsets": [{}]}})", offsets)),
               "'w'", "'data_offsets': expected 2 numbers");
}

TEST(SafetensorsBadInput, OffsetsPastTheEnd) {
  for (const char* offsets : {"0, 17", "16, 32", "9223372036854775808, 9223372036854775824", "16, 0"})
    expect_bad(kCorrupt, with_entry(fmt::format(R"({{"dtype": "F32", "shape": [4], "data_offsets": [{}]}})", offsets)),
               "'w'", "inside the 16 data bytes");
}

TEST(SafetensorsBadInput, OffsetsAndShapeDisagree) {
  expect_bad(kCorrupt, with_entry(R"({"dtype": "F32", "shape": [3], "data_offsets": [0, 16]})"), "'w'",
             "0 to 16 are 16, but shape [3] of F32 takes 12");
}

TEST(SafetensorsBadInput, UnalignedData) {
  expect_bad(kUnsupported,
             safetensors_file(R"({"a": {"dtype": "I8", "shape": [1], "data_offsets": [0, 1]},
                      "w": {"dtype": "F32", "shape": [1], "data_offsets": [1, 5]}})",
                              5),
             "'w'", "expected a multiple of 4");
  // A header that is not padded moves all data.
  expect_bad(
      kUnsupported,
      [] {
        const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} )";
        return safetensors_length(header.size()) + header + "1234";
      }(),
      "'w'", "begins at byte 63 of the file");
}

// --- The data section as a whole ---

std::string two(const char* first, const char* second, size_t n) {
  return safetensors_file(fmt::format(R"({{"a": {{"dtype": "I8", "shape": [8], "data_offsets": [{}]}},
                              "b": {{"dtype": "I8", "shape": [8], "data_offsets": [{}]}}}})",
                                      first, second),
                          n);
}

TEST(SafetensorsBadInput, Overlap) {
  expect_bad(kCorrupt, two("0, 8", "4, 12", 12), "tensor 'b' begins at data byte 4, expected 8", "overlap");
  expect_bad(kCorrupt, two("0, 8", "0, 8", 8), "overlap");
}

TEST(SafetensorsBadInput, Hole) {
  expect_bad(kCorrupt, two("0, 8", "9, 17", 17), "tensor 'b' begins at data byte 9, expected 8", "hole");
  expect_bad(kCorrupt, two("1, 9", "9, 17", 17), "tensor 'a' begins at data byte 1, expected 0", "hole");
}

TEST(SafetensorsBadInput, BytesAfterTheLastTensor) {
  expect_bad(kCorrupt, two("0, 8", "8, 16", 17), "take 16 data bytes, but the file has 17");
  expect_bad(kCorrupt, safetensors_file("{}", 1), "take 0 data bytes, but the file has 1");
}

// --- Damage to a good file ---

TEST(SafetensorsDamage, TruncatedAtEveryByte) {
  const std::string good = two("0, 8", "8, 16", 16);
  ASSERT_TRUE(parse(good));
  for (size_t n = 0; n < good.size(); ++n) {
    SCOPED_TRACE(n);
    expect_bad(kCorrupt, good.substr(0, n));
  }
}

TEST(SafetensorsDamage, AnyByteOfTheHeaderChanged) {
  const std::string good = two("0, 8", "8, 16", 16);
  for (size_t i = 0; i + 16 < good.size(); ++i) {
    for (const int change : {1, 0x20, 0x80, 0xff}) {
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ change);
      (void)parse(changed);
    }
  }
}

}  // namespace
}  // namespace adder
