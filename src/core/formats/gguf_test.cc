// What the reader makes of bytes put together by hand from the format's description. Malformed ones:
// gguf_bad_input_test.cc; files of other libraries: tests/compat/formats.py.
#include "core/formats/gguf.h"

#include <gmock/gmock.h>

#include "core/base/testing/expect_error.h"
#include "core/formats/testing/gguf_bytes.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;
using testing::GgufBytes;

TEST(Gguf, ReadsAnEmptyFile) {
  const auto bytes = GgufBytes().header(0, 0);
  const auto gguf = Gguf::parse(bytes.bytes(), "m.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  EXPECT_EQ(gguf->path(), "m.gguf");
  EXPECT_TRUE(gguf->metadata().empty());
  EXPECT_TRUE(gguf->tensors().empty());
  EXPECT_EQ(gguf->alignment(), 32u);
}

TEST(Gguf, WidensEveryScalar) {
  const auto bytes = GgufBytes()
                         .header(0, 11)
                         .entry<uint8_t>("u8", 0, 255)
                         .entry<int8_t>("i8", 1, -128)
                         .entry<uint16_t>("u16", 2, 65535)
                         .entry<int16_t>("i16", 3, -32768)
                         .entry<uint32_t>("u32", 4, 4294967295u)
                         .entry<int32_t>("i32", 5, -2147483648)
                         .entry<float>("f32", 6, 0.5f)
                         .entry<uint8_t>("bool", 7, 1)
                         .entry<uint64_t>("u64", 10, uint64_t{1} << 62)
                         .entry<int64_t>("i64", 11, -9)
                         .entry<double>("f64", 12, 0.1);
  const auto gguf = Gguf::parse(bytes.bytes(), "m.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  EXPECT_EQ(gguf->integer("u8").value(), 255);
  EXPECT_EQ(gguf->integer("i8").value(), -128);
  EXPECT_EQ(gguf->integer("u16").value(), 65535);
  EXPECT_EQ(gguf->integer("i16").value(), -32768);
  EXPECT_EQ(gguf->integer("u32").value(), 4294967295);
  EXPECT_EQ(gguf->integer("i32").value(), -2147483648);
  EXPECT_EQ(gguf->number("f32").value(), 0.5);
  EXPECT_EQ(gguf->boolean("bool").value(), true);
  EXPECT_EQ(gguf->integer("u64").value(), int64_t{1} << 62);
  EXPECT_EQ(gguf->integer("i64").value(), -9);
  EXPECT_EQ(gguf->number("f64").value(), 0.1);
  EXPECT_EQ(gguf->number("i8").value(), -128.0);
  EXPECT_EQ(gguf->number("u8").value(), 255.0);
}

TEST(Gguf, ReadsArrays) {
  GgufBytes bytes;
  bytes.header(0, 4);
  bytes.array("texts", 8, 2).text("left right").text("");
  bytes.array("i16", 3, 2).number<int16_t>(-1).number<int16_t>(7);
  bytes.array("f32", 6, 1).number(0.25f);
  bytes.array("none", 5, 0);
  const auto gguf = Gguf::parse(bytes.bytes(), "m.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  EXPECT_THAT(gguf->texts("texts").value(), ElementsAre("left right", ""));
  EXPECT_THAT(gguf->integers("i16").value(), ElementsAre(-1, 7));
  EXPECT_THAT(std::get<std::vector<double>>(gguf->find("f32")->value), ElementsAre(0.25));
  EXPECT_THAT(gguf->integers("none").value(), ElementsAre());
  EXPECT_TRUE(gguf->find("none")->is_array);
  EXPECT_EQ(gguf->find("none")->type, 5u);
}

TEST(Gguf, ReversesDimsAndPlacesTensors) {
  auto bytes = GgufBytes()
                   .header(2, 0)
                   .tensor("second", {64, 3}, 8, 32)  // Q8_0: 3 rows of 2 blocks of 34 bytes
                   .tensor("first", {2, 1, 3}, 1, 0)  // F16
                   .pad(32);
  const size_t data = bytes.str().size();
  bytes.zeros(32 + 3 * 68);
  const auto gguf = Gguf::parse(bytes.bytes(), "m.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  ASSERT_EQ(gguf->tensors().size(), 2u);
  EXPECT_EQ(gguf->tensors()[0].name, "second");  // in the order of the list, not of the data
  const TensorView& second = gguf->tensors()[0].view;
  EXPECT_EQ(second.shape, Shape({3, 64}));
  EXPECT_EQ(second.dtype, DType::kQ8_0);
  EXPECT_EQ(second.bytes(), 204u);
  EXPECT_EQ(second.data, bytes.bytes().data() + data + 32);
  EXPECT_EQ(gguf->find_tensor("first")->shape, Shape({3, 1, 2}));
  EXPECT_EQ(gguf->find_tensor("first")->data, bytes.bytes().data() + data);
}

TEST(Gguf, TakesTheAlignmentFromAnywhereInTheMetadata) {
  const auto bytes = GgufBytes()
                         .header(1, 2)
                         .text_entry("general.name", "x")
                         .u32_entry("general.alignment", 8)
                         .tensor("a", {1}, 0, 8)
                         .pad(8)
                         .zeros(12);
  const auto gguf = Gguf::parse(bytes.bytes(), "m.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  EXPECT_EQ(gguf->alignment(), 8u);
  EXPECT_EQ(gguf->find_tensor("a")->data, bytes.bytes().data() + bytes.str().size() - 4);
}

TEST(Gguf, SpreadsAScalarOverLayers) {
  const auto bytes = GgufBytes().header(0, 2).u32_entry("scalar", 8).array("array", 5, 3).u32(1).u32(2).u32(3);
  const auto gguf = Gguf::parse(bytes.bytes(), "m.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  EXPECT_THAT(gguf->integers_per_layer("scalar", 4).value(), ElementsAre(8, 8, 8, 8));
  EXPECT_THAT(gguf->integers_per_layer("array", 3).value(), ElementsAre(1, 2, 3));
}

class GgufAccess : public ::testing::Test {
 protected:
  GgufBytes bytes_ = GgufBytes()
                         .header(0, 5)
                         .text_entry("text", "t")
                         .u32_entry("u32", 7)
                         .entry("huge", 10, uint64_t{1} << 63)
                         .entry("f32", 6, 1.0f)
                         .array("array", 5, 1)
                         .u32(1);
  Gguf gguf_ = Gguf::parse(bytes_.bytes(), "m.gguf").value();
};

TEST_F(GgufAccess, SaysThatAKeyIsMissing) {
  expect_error(gguf_.integer("nemotron_h.block_count"), ErrorCode::kNotFound, "m.gguf",
               "metadata key 'nemotron_h.block_count' is missing");
  expect_error(gguf_.number("x"), ErrorCode::kNotFound, "'x'");
  expect_error(gguf_.boolean("x"), ErrorCode::kNotFound, "'x'");
  expect_error(gguf_.text("x"), ErrorCode::kNotFound, "'x'");
  expect_error(gguf_.texts("x"), ErrorCode::kNotFound, "'x'");
  expect_error(gguf_.integers("x"), ErrorCode::kNotFound, "'x'");
  expect_error(gguf_.integers_per_layer("x", 2), ErrorCode::kNotFound, "'x'");
}

TEST_F(GgufAccess, SaysThatAKeyHasAnotherType) {
  expect_error(gguf_.integer("text"), ErrorCode::kCorrupt, "m.gguf", "'text': expected an integer, found text");
  expect_error(gguf_.integer("f32"), ErrorCode::kCorrupt, "'f32': expected an integer, found f32");
  expect_error(gguf_.number("text"), ErrorCode::kCorrupt, "expected a number, found text");
  expect_error(gguf_.boolean("u32"), ErrorCode::kCorrupt, "expected a bool, found u32");
  expect_error(gguf_.text("array"), ErrorCode::kCorrupt, "expected a text, found array of i32");
  expect_error(gguf_.texts("array"), ErrorCode::kCorrupt, "expected an array of texts, found array of i32");
  expect_error(gguf_.integers("u32"), ErrorCode::kCorrupt, "expected an array of integers, found u32");
  expect_error(gguf_.integers_per_layer("text", 2), ErrorCode::kCorrupt, "expected an integer, found text");
}

TEST_F(GgufAccess, RefusesValuesOutOfRange) {
  expect_error(gguf_.integer("huge"), ErrorCode::kCorrupt, "'huge'", "9223372036854775808 does not fit");
  expect_error(gguf_.integers_per_layer("array", 2), ErrorCode::kCorrupt, "expected 2 elements", "found 1");
  expect_error(gguf_.integers_per_layer("u32", int64_t{1} << 40), ErrorCode::kTooLarge, "1099511627776 layers");
  expect_error(gguf_.integers_per_layer("u32", -1), ErrorCode::kTooLarge, "-1 layers");
}

}  // namespace
}  // namespace adder
