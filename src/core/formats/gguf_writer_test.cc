#include "core/formats/gguf_writer.h"

#include <gmock/gmock.h>

#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::TempDir;

std::vector<std::byte> counting_bytes(size_t n) {
  std::vector<std::byte> bytes(n);
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i * 7 + 3);
  return bytes;
}

std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(GgufWriter, ReadsBackEveryKindOfMetadata) {
  const TempDir dir;
  GgufWriter writer;
  writer.set("general.architecture", "nemotron_h");
  writer.set("flag", true);
  writer.set_u32("count", 4294967295u);
  writer.set_f32("epsilon", 1e-5f);
  writer.set_i32s("types", {1, -2, 2147483647});
  writer.set_texts("tokens", {"", "a", "\xff not utf-8", "\xc4\xa0the"});
  writer.set({"wide", 10, false, uint64_t{18446744073709551615u}});
  writer.set({"double", 12, false, 0.1});
  writer.set({"flags", 7, true, std::vector<bool>{true, false, true}});
  writer.set({"bytes", 1, true, std::vector<int64_t>{-128, 127}});
  writer.set({"empty", 8, true, std::vector<std::string>{}});
  ASSERT_TRUE(writer.begin(dir / "a.gguf"));
  ASSERT_TRUE(writer.finish());

  const auto gguf = Gguf::open(dir / "a.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  EXPECT_EQ(gguf->metadata().size(), 11u);
  EXPECT_EQ(gguf->text("general.architecture").value(), "nemotron_h");
  EXPECT_EQ(gguf->boolean("flag").value(), true);
  EXPECT_EQ(gguf->integer("count").value(), 4294967295);
  EXPECT_EQ(gguf->number("epsilon").value(), static_cast<double>(1e-5f));
  EXPECT_THAT(gguf->integers("types").value(), ElementsAre(1, -2, 2147483647));
  EXPECT_THAT(gguf->texts("tokens").value(), ElementsAre("", "a", "\xff not utf-8", "\xc4\xa0the"));
  EXPECT_EQ(std::get<uint64_t>(gguf->find("wide")->value), 18446744073709551615u);
  EXPECT_EQ(gguf->number("double").value(), 0.1);
  EXPECT_THAT(std::get<std::vector<bool>>(gguf->find("flags")->value), ElementsAre(true, false, true));
  EXPECT_THAT(gguf->integers("bytes").value(), ElementsAre(-128, 127));
  EXPECT_THAT(gguf->texts("empty").value(), ElementsAre());
}

TEST(GgufWriter, ReadsBackTensorsOfOddSizes) {
  const TempDir dir;
  const auto a = counting_bytes(5 * 4), b = counting_bytes(3 * 2 * 34), c = counting_bytes(2);
  GgufWriter writer;
  writer.add_tensor("a", DType::kF32, {5});
  writer.add_tensor("b", DType::kQ8_0, {3, 64});
  writer.add_tensor("c", DType::kBF16, {1, 1, 1, 1});
  ASSERT_TRUE(writer.begin(dir / "a.gguf"));
  ASSERT_TRUE(writer.write_tensor(a));
  ASSERT_TRUE(writer.write_tensor(b));
  ASSERT_TRUE(writer.write_tensor(c));
  ASSERT_TRUE(writer.finish());

  const auto gguf = Gguf::open(dir / "a.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  ASSERT_EQ(gguf->tensors().size(), 3u);
  EXPECT_EQ(gguf->tensors()[1].name, "b");
  EXPECT_EQ(gguf->find_tensor("b")->dtype, DType::kQ8_0);
  EXPECT_EQ(gguf->find_tensor("b")->shape, Shape({3, 64}));
  EXPECT_EQ(gguf->find_tensor("c")->shape, Shape({1, 1, 1, 1}));
  EXPECT_EQ(as_text(gguf->find_tensor("a")->span()), as_text(a));
  EXPECT_EQ(as_text(gguf->find_tensor("b")->span()), as_text(b));
  EXPECT_EQ(as_text(gguf->find_tensor("c")->span()), as_text(c));
  EXPECT_EQ(gguf->find_tensor("d"), nullptr);
}

TEST(GgufWriter, PadsToTheAlignmentOfTheMetadata) {
  const TempDir dir;
  GgufWriter writer;
  writer.set_u32("general.alignment", 256);
  writer.add_tensor("a", DType::kI8, {1});
  writer.add_tensor("b", DType::kI8, {1});
  ASSERT_TRUE(writer.begin(dir / "a.gguf"));
  ASSERT_TRUE(writer.write_tensor(counting_bytes(1)));
  ASSERT_TRUE(writer.write_tensor(counting_bytes(1)));
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(std::filesystem::file_size(dir / "a.gguf"), 3 * 256u);
  const auto gguf = Gguf::open(dir / "a.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  EXPECT_EQ(gguf->alignment(), 256u);
  EXPECT_EQ(gguf->find_tensor("b")->data - gguf->find_tensor("a")->data, 256);
}

TEST(GgufWriter, SettingAgainReplacesInPlace) {
  const TempDir dir;
  GgufWriter writer;
  writer.set("a", "old");
  writer.set("b", "kept");
  writer.set_u32("a", 7);
  ASSERT_TRUE(writer.begin(dir / "a.gguf"));
  ASSERT_TRUE(writer.finish());
  const auto gguf = Gguf::open(dir / "a.gguf");
  ASSERT_TRUE(gguf) << gguf.error().message();
  ASSERT_EQ(gguf->metadata().size(), 2u);
  EXPECT_EQ(gguf->metadata()[0].key, "a");
  EXPECT_EQ(gguf->integer("a").value(), 7);
}

TEST(GgufWriter, LeavesNothingWhenNotFinished) {
  const TempDir dir;
  {
    GgufWriter writer;
    writer.add_tensor("a", DType::kF32, {5});
    ASSERT_TRUE(writer.begin(dir / "a.gguf"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(GgufWriter, SaysWhereItCannotWrite) {
  const TempDir dir;
  GgufWriter writer;
  const auto status = writer.begin(dir / "missing/a.gguf");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kIo);
  EXPECT_THAT(status.error().message(), ::testing::HasSubstr("missing/a.gguf"));
}

TEST(GgufWriterDeathTest, RefusesItsCallersMistakes) {
  const TempDir dir;
  GgufWriter writer;
  writer.add_tensor("a", DType::kF32, {5});
  EXPECT_DEATH(writer.add_tensor("a", DType::kF32, {5}), "'a'");
  EXPECT_DEATH(writer.add_tensor("b", DType::kQ8_0, {5}), "Q8_0");
  EXPECT_DEATH(writer.add_tensor("b", DType::kF8E4M3, {5}), "F8_E4M3");
  EXPECT_DEATH(writer.set({"b", 4, false, std::string("text")}), "u32");
  EXPECT_DEATH((void)writer.write_tensor(counting_bytes(20)), "tensor 0 of 1");
  ASSERT_TRUE(writer.begin(dir / "a.gguf"));
  EXPECT_DEATH((void)writer.finish(), "0 of 1");
  EXPECT_DEATH((void)writer.write_tensor(counting_bytes(19)), "'a' has 20 bytes, 19 given");
  EXPECT_DEATH(writer.set("b", "late"), "after begin");
}

}  // namespace
}  // namespace adder
