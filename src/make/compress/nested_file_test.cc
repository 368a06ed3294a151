#include "core/nest/nested_file.h"

#include <gmock/gmock.h>

#include "core/arch/config_gguf.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/gguf_writer.h"
#include "core/nest/slabs.h"
#include "make/compress/models_for_test.h"
#include "make/compress/nested_writer.h"
#include "make/compress/order.h"
#include "make/compress/slice.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;

/// A parent in nested order, three children one inside the other, and the file of all four.
class NestedFile : public ::testing::Test {
 protected:
  void SetUp() override {
    test::write_model(dir_ / "plain.gguf", config_, test::random_values(1), DType::kBF16);
    cut("plain.gguf", "ordered.gguf", whole(config_), random_order(config_, 3), {});
    const BoundModel parent = test::open_bound(dir_ / "ordered.gguf");
    const Status written = write_nested_file(parent, sizes(), dir_ / "family.gguf", "nest");
    ASSERT_TRUE(written) << written.error().message();
  }

  void cut(const char* from, const std::string& to, const ChildShape& child, const NestedOrder& order,
           const std::optional<NestedRecord>& record) {
    const BoundModel parent = test::open_bound(dir_ / from);
    const auto plan = plan_slice(parent, child, order, record, Layout::kGguf, {});
    ASSERT_TRUE(plan) << plan.error().message();
    const auto cut = slice(parent, *plan, dir_ / to, "slice", {});
    ASSERT_TRUE(cut) << cut.error().message();
  }

  /// Given from the largest, for the file is to sort them. Layer 4 is not in the smallest alone.
  static std::vector<NestedSize> sizes() {
    return {
        {"large", {56, {}, 6, 8, {80}, 6}}, {"medium", {48, {}, 6, 6, {64}, 4}}, {"small", {32, {4}, 4, 6, {32}, 4}}};
  }

  Result<BoundModel> open(const std::string& size, Join join = Join::kData) {
    auto file = ModelFile::open(dir_ / "family.gguf");
    EXPECT_TRUE(file) << file.error().message();
    return bind_size(std::make_shared<const ModelFile>(std::move(file).value()), size, join);
  }

  /// A copy of the file, changed.
  Result<BoundModel> open_changed(
      const std::function<void(std::vector<GgufEntry>&, std::vector<NamedTensor>&)>& change) {
    const auto file = ModelFile::open(dir_ / "family.gguf").value();
    std::vector<GgufEntry> metadata = file.gguf()->metadata();
    std::vector<NamedTensor> tensors = file.tensors();
    change(metadata, tensors);
    GgufWriter writer;
    for (const GgufEntry& entry : metadata)
      if (!is_of_one_file(entry.key)) writer.set(entry);
    for (const NamedTensor& tensor : tensors) writer.add_tensor(tensor.name, tensor.view.dtype, tensor.view.shape);
    EXPECT_TRUE(writer.begin(dir_ / "changed.gguf"));
    for (const NamedTensor& tensor : tensors) EXPECT_TRUE(writer.write_tensor(tensor.view.span()));
    EXPECT_TRUE(writer.finish());
    return bind_size(std::make_shared<const ModelFile>(ModelFile::open(dir_ / "changed.gguf").value()), "medium");
  }

  const ModelConfig config_ = test::small_config();
  testing::TempDir dir_;
};

TEST_F(NestedFile, EverySizeIsTheSlicedModelToTheByte) {
  const BoundModel parent = test::open_bound(dir_ / "ordered.gguf");
  const auto record = read_nested(*parent.file, parent.config).value();
  for (const NestedSize& size : sizes()) {
    cut("ordered.gguf", size.name + ".gguf", size.child, unchanged_order(config_), record);
    const BoundModel alone = test::open_bound(dir_ / (size.name + ".gguf"));
    const auto nested = open(size.name);
    ASSERT_TRUE(nested) << nested.error().message();
    EXPECT_EQ(nested->config, alone.config) << size.name;
    ASSERT_EQ(nested->tensors.size(), alone.tensors.size());
    for (size_t i = 0; i < alone.tensors.size(); ++i) {
      const BoundTensor &a = nested->tensors[i], &b = alone.tensors[i];
      EXPECT_EQ(a.spec.gguf_name, b.spec.gguf_name);
      EXPECT_TRUE(a.view.dtype == b.view.dtype && std::ranges::equal(a.view.span(), b.view.span()))
          << size.name << ": " << b.name;
    }
  }
  const auto full = open("full");
  ASSERT_TRUE(full) << full.error().message();
  EXPECT_EQ(full->config, config_);
  for (size_t i = 0; i < parent.tensors.size(); ++i)
    EXPECT_TRUE(std::ranges::equal(full->tensors[i].view.span(), parent.tensors[i].view.span()))
        << full->tensors[i].name;
}

TEST_F(NestedFile, TheEngineSaysTheSameToTheBit) {
  const auto record = read_nested(*test::open_bound(dir_ / "ordered.gguf").file, config_).value();
  const auto tokens = test::some_tokens(150);
  for (const NestedSize& size : sizes()) {
    cut("ordered.gguf", size.name + ".gguf", size.child, unchanged_order(config_), record);
    const auto nested =
        Engine::open(dir_ / "family.gguf", {.threads = 2, .kv_type = DType::kF32, .context = 512, .size = size.name});
    ASSERT_TRUE(nested) << nested.error().message();
    EXPECT_EQ(test::logits_of(**nested, tokens), test::logits_of(dir_ / (size.name + ".gguf"), tokens)) << size.name;
  }
}

/// The file holds each number once, and a size takes the memory of its own file.
TEST_F(NestedFile, NothingIsThereTwice) {
  const auto bytes_of = [](const auto& tensors) {
    uint64_t bytes = 0;
    for (const auto& tensor : tensors) bytes += tensor.view.bytes();
    return bytes;
  };
  const auto family = ModelFile::open(dir_ / "family.gguf").value();
  EXPECT_EQ(bytes_of(family.tensors()), bytes_of(test::open_bound(dir_ / "ordered.gguf").tensors));

  cut("ordered.gguf", "medium.gguf", sizes()[1].child, unchanged_order(config_), {});
  const BoundModel alone = test::open_bound(dir_ / "medium.gguf");
  const auto nested = open("medium", Join::kShapesOnly);
  ASSERT_TRUE(nested) << nested.error().message();
  EXPECT_EQ(bytes_of(nested->tensors), bytes_of(alone.tensors));
  EXPECT_EQ(nested->mapped_bytes() - static_cast<int64_t>(bytes_of(nested->tensors)),
            static_cast<int64_t>(family.text_bytes()));
}

TEST_F(NestedFile, WhatIsInOnePieceIsReadWhereItLies) {
  const auto smallest = open("small"), medium = open("medium");
  for (const BoundTensor& tensor : smallest->tensors) EXPECT_FALSE(tensor.is_joined) << tensor.name;
  EXPECT_FALSE(smallest->joined);
  const auto whole_family = smallest->file->tensors();
  for (const BoundTensor& tensor : medium->tensors) {
    const bool extended = std::ranges::any_of(whole_family, [&](const NamedTensor& slab) {
      return slab.name == tensor.name + ".right.1" || slab.name == tensor.name + ".below.1";
    });
    EXPECT_EQ(tensor.is_joined, extended) << tensor.name;
  }
}

TEST_F(NestedFile, AnEmbeddingIsReadFromItsPieces) {
  ASSERT_FALSE(config_.tie_word_embeddings);
  const auto whole = open("medium"), apart = open("medium", Join::kToRun);
  const BoundTensor &joined = *whole->find(Role::kEmbedding), &pieces = *apart->find(Role::kEmbedding);
  ASSERT_EQ(pieces.pieces.size(), 2u);
  const auto numbers = static_cast<size_t>(3 * joined.view.shape.row_length());
  std::vector<float> expected(numbers), found(numbers);
  decode_rows(joined, 5, 3, expected);
  decode_rows(pieces, 5, 3, found);
  EXPECT_EQ(found, expected);
}

TEST_F(NestedFile, ASizeMustBeNamedAndBeThere) {
  expect_error(open(""), ErrorCode::kUnsupported, "family.gguf", "small, medium, large, full", "--size");
  expect_error(open("tiny"), ErrorCode::kUsage, "no size tiny", "small, medium, large, full");
  auto plain = std::make_shared<const ModelFile>(ModelFile::open(dir_ / "plain.gguf").value());
  expect_error(bind_size(plain, "small"), ErrorCode::kUsage, "plain.gguf", "one size only");
  EXPECT_TRUE(bind_size(plain, ""));
}

TEST_F(NestedFile, OneOfAnotherFormIsRefused) {
  const auto value_of = [](std::vector<GgufEntry>& metadata, std::string_view key) -> std::vector<std::string>& {
    return std::get<std::vector<std::string>>(std::ranges::find(metadata, key, &GgufEntry::key)->value);
  };
  expect_error(open_changed([](auto&, auto& tensors) {
                 std::erase_if(tensors, [](const NamedTensor& tensor) {
                   return tensor.name == "blk.1.ffn_up.weight.below.1" || tensor.name == "output_norm.weight";
                 });
               }),
               ErrorCode::kCorrupt, "blk.1.ffn_up.weight.below.1 [32, 48]", "output_norm.weight is missing");
  expect_error(open_changed([&](auto& metadata, auto&) {
                 std::swap(value_of(metadata, kNestedShapesKey)[0], value_of(metadata, kNestedShapesKey)[1]);
               }),
               ErrorCode::kCorrupt, "size medium", "does not contain size small");
  expect_error(open_changed([&](auto& metadata, auto&) {
                 value_of(metadata, kNestedShapesKey)[3] = value_of(metadata, kNestedShapesKey)[2];
               }),
               ErrorCode::kCorrupt, "the last size, full, is not the whole");
  expect_error(open_changed([&](auto& metadata, auto&) { value_of(metadata, kNestedShapesKey).pop_back(); }),
               ErrorCode::kCorrupt, "4 names and 3 shapes");
  expect_error(
      open_changed([&](auto& metadata, auto&) { value_of(metadata, kNestedShapesKey)[0] = R"({"d_model": 65})"; }),
      ErrorCode::kCorrupt, "size small", "d_model is 65");
}

TEST_F(NestedFile, WhatCannotBeNestedIsRefused) {
  const BoundModel parent = test::open_bound(dir_ / "ordered.gguf");
  const auto nest = [&](const BoundModel& model, std::vector<NestedSize> some) {
    return write_nested_file(model, std::move(some), dir_ / "refused.gguf", "nest");
  };
  expect_error(nest(test::open_bound(dir_ / "plain.gguf"), sizes()), ErrorCode::kUsage, "plain.gguf", "--order");
  expect_error(nest(parent, {}), ErrorCode::kUsage, "no sizes");
  std::vector<NestedSize> crossed = sizes();
  crossed[2].child.d_ff = {96};
  expect_error(nest(parent, crossed), ErrorCode::kUsage, "size medium does not contain size small");
  std::vector<NestedSize> twice = sizes();
  twice[0].name = "small";
  expect_error(nest(parent, twice), ErrorCode::kUsage, "two sizes of the name small");
  twice[0].name = "full";
  expect_error(nest(parent, twice), ErrorCode::kUsage, "'full'");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "refused.gguf"));
}

}  // namespace
}  // namespace adder
