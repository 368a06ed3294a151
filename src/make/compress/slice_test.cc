#include "make/compress/slice.h"

#include <gmock/gmock.h>

#include "core/arch/budget.h"
#include "core/arch/receipt.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "make/compress/models_for_test.h"
#include "make/compress/order.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;

constexpr double kSameLogits = 1e-4;

class Slice : public ::testing::Test {
 protected:
  void SetUp() override { test::write_model(parent_path(), config_, test::random_values(1)); }

  std::filesystem::path parent_path() const { return dir_ / "parent.gguf"; }

  void cut(const std::filesystem::path& from, const std::filesystem::path& to, const ChildShape& child,
           const NestedOrder& order, const std::optional<NestedRecord>& record = {}) {
    const BoundModel parent = test::open_bound(from);
    const Layout layout = to.extension() == ".gguf" ? Layout::kGguf : Layout::kHuggingFace;
    const auto plan = plan_slice(parent, child, order, record, layout, {});
    ASSERT_TRUE(plan) << plan.error().message();
    const auto written = slice(parent, *plan, to, "slice", {});
    ASSERT_TRUE(written) << written.error().message();
  }
  void reorder(const NestedOrder& order) { cut(parent_path(), dir_ / "ordered.gguf", whole(config_), order); }

  double change_of_logits() {
    const auto tokens = test::some_tokens(70);
    return test::largest_difference(test::logits_of(parent_path(), tokens),
                                    test::logits_of(dir_ / "ordered.gguf", tokens));
  }

  /// A child smaller on every axis, without an FFN layer.
  ChildShape narrow() const { return {48, {4}, 6, 6, {64}, 4}; }

  const ModelConfig config_ = test::small_config();
  testing::TempDir dir_;
};

TEST_F(Slice, APermutationKeepsTheLogitsAxisByAxisAndAllTogether) {
  const NestedOrder random = random_order(config_, 3);
  using Part = void (*)(NestedOrder&, const NestedOrder&);
  const std::vector<std::pair<const char*, Part>> axes = {
      {"d_model", [](NestedOrder& to, const NestedOrder& from) { to.hidden = from.hidden; }},
      {"d_ff", [](NestedOrder& to, const NestedOrder& from) { to.layers[1].ffn = from.layers[1].ffn; }},
      {"mamba_heads",
       [](NestedOrder& to, const NestedOrder& from) { to.layers[2].mamba_heads = from.layers[2].mamba_heads; }},
      {"mamba_head_dim",
       [](NestedOrder& to, const NestedOrder& from) { to.layers[2].mamba_channels = from.layers[2].mamba_channels; }},
      {"attention_heads",
       [](NestedOrder& to, const NestedOrder& from) { to.layers[3].attention_heads = from.layers[3].attention_heads; }},
      {"all", [](NestedOrder& to, const NestedOrder& from) { to = from; }}};
  for (const auto& [name, take] : axes) {
    NestedOrder order = unchanged_order(config_);
    take(order, random);
    ASSERT_NE(order, unchanged_order(config_)) << name;
    reorder(order);
    EXPECT_LE(change_of_logits(), kSameLogits) << name;
  }
}

/// What the test above would say of a permutation that takes a head out of its group.
TEST_F(Slice, AHeadInAForeignGroupChangesTheLogits) {
  NestedOrder order = unchanged_order(config_);
  std::swap(order.layers[0].mamba_heads[0], order.layers[0].mamba_heads[4]);
  reorder(order);
  EXPECT_GT(change_of_logits(), 100 * kSameLogits);
}

TEST_F(Slice, AnOrderedParentsPrefixIsTheChildOfTheOrder) {
  NestedOrder order = random_order(config_, 3);
  cut(parent_path(), dir_ / "child.gguf", narrow(), order);
  reorder(order);
  const BoundModel ordered = test::open_bound(dir_ / "ordered.gguf");
  const auto record = read_nested(*ordered.file, ordered.config).value();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->drop_list, order.drop_list);
  EXPECT_EQ(record->scores, "random 3");
  cut(dir_ / "ordered.gguf", dir_ / "prefix.gguf", narrow(), unchanged_order(config_), record);

  const BoundModel child = test::open_bound(dir_ / "child.gguf"), prefix = test::open_bound(dir_ / "prefix.gguf");
  EXPECT_EQ(child.config, child_config(config_, narrow()).value());
  ASSERT_EQ(child.tensors.size(), prefix.tensors.size());
  for (size_t i = 0; i < child.tensors.size(); ++i)
    EXPECT_TRUE(std::ranges::equal(child.tensors[i].view.span(), prefix.tensors[i].view.span()))
        << child.tensors[i].name;
  EXPECT_EQ(read_nested(*child.file, child.config).value(), read_nested(*prefix.file, prefix.config).value());
  EXPECT_EQ(read_receipt(*prefix.file).value()->steps.size(), 2u);
}

/// The layers' own numbers go along: layer 5 of the parent is layer 4 of a child without layer 4.
TEST_F(Slice, TheRecordCountsTheLayersThatAreLeft) {
  NestedOrder order = random_order(config_, 3);
  order.drop_list = {5, 4, 0};
  cut(parent_path(), dir_ / "child.gguf", narrow(), order);
  const BoundModel child = test::open_bound(dir_ / "child.gguf");
  EXPECT_THAT(read_nested(*child.file, child.config).value()->drop_list, ElementsAre(4, 0));
}

TEST_F(Slice, WithoutALayerIsWithTheLayerBypassed) {
  ChildShape shallow = whole(config_);
  shallow.dropped_layers = {0, 3};
  cut(parent_path(), dir_ / "shallow.gguf", shallow, unchanged_order(config_));
  const auto tokens = test::some_tokens(150);
  const auto engine = test::open_engine(parent_path());
  engine->forward().bypass({true, false, false, true, false, false});
  EXPECT_EQ(test::logits_of(*engine, tokens), test::logits_of(dir_ / "shallow.gguf", tokens));
}

TEST_F(Slice, OneTokenAtATimeSaysWhatThePromptSaid) {
  cut(parent_path(), dir_ / "child.gguf", narrow(), random_order(config_, 3));
  const auto tokens = test::some_tokens(150);
  EXPECT_EQ(test::logits_of(dir_ / "child.gguf", tokens), test::logits_of(dir_ / "child.gguf", tokens, 1));
  const ModelConfig child = test::open_bound(dir_ / "child.gguf").config;
  EXPECT_EQ(child.conv_dim(), 6 * 6 + 2 * 2 * 16);
  EXPECT_EQ(state_bytes(child, DType::kF32).conv, 3 * (4 - 1) * (6 * 6 + 2 * 2 * 16) * 4);
}

TEST_F(Slice, BothLayoutsGiveTheSameChild) {
  test::write_model(dir_ / "parent-hf", config_, test::random_values(1));
  const NestedOrder order = random_order(config_, 3);
  cut(parent_path(), dir_ / "a.gguf", narrow(), order);
  cut(dir_ / "parent-hf", dir_ / "b.gguf", narrow(), order);
  cut(parent_path(), dir_ / "c-hf", narrow(), order);
  cut(dir_ / "parent-hf", dir_ / "d-hf", narrow(), order);
  const BoundModel a = test::open_bound(dir_ / "a.gguf");
  for (const char* const name : {"b.gguf", "c-hf", "d-hf"}) {
    const BoundModel other = test::open_bound(dir_ / name);
    EXPECT_EQ(a.config, other.config) << name;
    for (size_t i = 0; i < a.tensors.size(); ++i) {
      const auto ours = to_f32(a.tensors[i]).value(), theirs = to_f32(other.tensors[i]).value();
      for (size_t j = 0; j < ours.size(); ++j)  // A goes through exp and log
        ASSERT_NEAR(ours[j], theirs[j], a.tensors[i].spec.role == Role::kA ? 1e-6 : 0) << a.tensors[i].name;
    }
    EXPECT_TRUE(read_nested(*other.file, other.config).value()) << name;
  }
}

TEST_F(Slice, BlocksAreCopiedWhereTheyStayWhole) {
  ModelConfig config = config_;
  config.hidden_size = 128;
  std::vector<DType> types = uniform_types(tensor_specs(config), Layout::kGguf, DType::kF16);
  types[0] = DType::kQ8_0;  // the embedding, rows of four blocks
  auto writer = CheckpointWriter::gguf(dir_ / "q.gguf", config, types, gguf_entries(tiny_vocabulary()).value());
  for (const TensorSpec& spec : std::vector(writer->specs())) ASSERT_TRUE(writer->write(test::random_values(2)(spec)));
  ASSERT_TRUE(writer->finish());

  ChildShape child = whole(config);
  child.d_model = 96;
  cut(dir_ / "q.gguf", dir_ / "child.gguf", child, unchanged_order(config));
  const BoundModel parent = test::open_bound(dir_ / "q.gguf"), cut_out = test::open_bound(dir_ / "child.gguf");
  EXPECT_EQ(cut_out.tensors[0].view.dtype, DType::kQ8_0);
  const auto before = to_f32(parent.tensors[0]).value(), after = to_f32(cut_out.tensors[0]).value();
  for (size_t row = 0; row < 264; ++row)
    for (size_t col = 0; col < 96; ++col) ASSERT_EQ(after[row * 96 + col], before[row * 128 + col]);

  child.d_model = 80;  // two blocks and a half
  const auto plan = plan_slice(parent, child, unchanged_order(config), {}, Layout::kGguf, {});
  expect_error(plan, ErrorCode::kUsage, "token_embd.weight", "80", "Q8_0", "--type");
  EXPECT_TRUE(plan_slice(parent, child, unchanged_order(config), {}, Layout::kGguf, {.type = DType::kF16}));
}

TEST_F(Slice, CountsBeforeItWrites) {
  const BoundModel parent = test::open_bound(parent_path());
  const auto plan = plan_slice(parent, narrow(), random_order(config_, 1), {}, Layout::kGguf, {}).value();
  EXPECT_EQ(plan.parent.parameters, parameter_count(config_));
  EXPECT_EQ(plan.child.parameters, parameter_count(plan.config));
  cut(parent_path(), dir_ / "child.gguf", narrow(), random_order(config_, 1));
  uint64_t bytes = 0;
  for (const BoundTensor& tensor : test::open_bound(dir_ / "child.gguf").tensors) bytes += tensor.view.bytes();
  EXPECT_EQ(plan.child.bytes, bytes);
}

}  // namespace
}  // namespace adder
