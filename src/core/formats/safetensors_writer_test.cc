#include <gtest/gtest.h>

#include <cstring>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/safetensors.h"

namespace adder {
namespace {

using testing::expect_error;
using testing::TempDir;

TEST(SafetensorsWriter, ReadsBack) {
  const TempDir dir;
  SafetensorsWriter writer;
  writer.set_metadata("format", "pt");
  writer.add_tensor("layers.0.A_log", DType::kF32, {3});
  writer.add_tensor("a \"quoted\" name", DType::kBF16, {2, 1, 3});
  writer.add_tensor("empty", DType::kF16, {0, 4});
  writer.add_tensor("codes", DType::kF8E4M3, {5});
  const std::string data = "abcdefghijklmnopqrstuvwxyz123";
  const auto bytes = std::as_bytes(std::span(data));
  ASSERT_TRUE(writer.begin(dir / "m.safetensors"));
  ASSERT_TRUE(writer.write_tensor(bytes.first(12)));
  ASSERT_TRUE(writer.write_tensor(bytes.subspan(12, 12)));
  ASSERT_TRUE(writer.write_tensor({}));
  ASSERT_TRUE(writer.write_tensor(bytes.subspan(24)));
  ASSERT_TRUE(writer.finish());

  const auto result = Safetensors::open(dir / "m.safetensors");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->metadata().at("format"), "pt");
  ASSERT_EQ(result->tensors().size(), 4u);
  const TensorView& quoted = *result->find_tensor("a \"quoted\" name");
  EXPECT_EQ(quoted.shape, Shape({2, 1, 3}));
  EXPECT_EQ(quoted.dtype, DType::kBF16);
  EXPECT_EQ(std::memcmp(quoted.data, data.data() + 12, 12), 0);
  EXPECT_EQ(std::memcmp(result->find_tensor("codes")->data, data.data() + 24, 5), 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(result->find_tensor("layers.0.A_log")->data) % 8, 0u);
}

TEST(SafetensorsWriter, LeavesNothingWhenNotFinished) {
  const TempDir dir;
  {
    SafetensorsWriter writer;
    writer.add_tensor("a", DType::kF32, {5});
    ASSERT_TRUE(writer.begin(dir / "m.safetensors"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(SafetensorsWriter, RefusesUnalignedData) {
  const TempDir dir;
  SafetensorsWriter writer;
  writer.add_tensor("odd", DType::kI8, {3});
  writer.add_tensor("w", DType::kF32, {5});
  expect_error(writer.begin(dir / "m.safetensors"), ErrorCode::kUnsupported, "m.safetensors", "'w'", "data byte 3");
}

TEST(SafetensorsWriterDeathTest, RefusesItsCallersMistakes) {
  const TempDir dir;
  SafetensorsWriter writer;
  writer.add_tensor("a", DType::kF32, {5});
  EXPECT_DEATH(writer.add_tensor("a", DType::kF32, {5}), "'a'");
  EXPECT_DEATH(writer.add_tensor("__metadata__", DType::kF32, {5}), "__metadata__");
  EXPECT_DEATH(writer.add_tensor("b", DType::kQ8_0, {32}), "Q8_0");
  ASSERT_TRUE(writer.begin(dir / "m.safetensors"));
  EXPECT_DEATH((void)writer.write_tensor({}), "'a' has 20 bytes, 0 given");
  EXPECT_DEATH((void)writer.finish(), "0 of 1");
}

}  // namespace
}  // namespace adder
