#include "core/nest/child.h"

#include <gmock/gmock.h>

#include "core/arch/budget.h"
#include "core/arch/presets.h"
#include "core/base/atomic_file.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/json.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;

/// The published shape, and layers whose removal turns the pattern of the 9B into that of the 4B.
ChildShape published_4b() {
  return {3136, {11, 12, 17, 18, 24, 25, 37, 42, 50, 51, 52, 53, 54, 55}, 96, 80, {12544}, 40};
}

std::string with(const char* field, int64_t value) {
  const auto object = nlohmann::json{{field, value}};
  const auto child = child_from_json(object, tiny());
  EXPECT_FALSE(child) << field << " " << value;
  return child ? "" : child.error().message();
}

TEST(Child, ThePublished4bIsAChildOfThePublished9b) {
  auto config = child_config(nano_9b(), published_4b());
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->pattern(), "M-M-M-MM-M-M*-M-M*-M-M-M*-M-M-MM*-MMM-M-M-");
  EXPECT_EQ(parameter_count(*config), 3973556832);
  config->max_position_embeddings = nano_4b().max_position_embeddings;  // longer training, not surgery
  EXPECT_EQ(*config, nano_4b());
}

TEST(Child, TheWholeParentIsAChild) {
  for (const std::string_view preset : preset_names()) {
    const ModelConfig parent = find_preset(preset).value();
    EXPECT_EQ(child_config(parent, whole(parent)).value(), parent) << preset;
  }
}

TEST(Child, JsonRoundTripsAndFillsInWhatIsMissing) {
  const auto json = nlohmann::json(to_json(published_4b()));
  EXPECT_EQ(child_from_json(json, nano_9b()).value(), published_4b());
  ChildShape narrow = whole(nano_9b());
  narrow.d_model = 4096;
  EXPECT_EQ(child_from_json({{"d_model", 4096}}, nano_9b()).value(), narrow);
  EXPECT_EQ(child_from_json(nlohmann::json::object(), nano_9b()).value(), whole(nano_9b()));
}

TEST(Child, FfnLayersMayDiffer) {
  const nlohmann::json json = {{"d_ff", {256, 384}}, {"drop_layers", {4}}};  // of M-M*-MM- the middle one goes
  const ChildShape child = child_from_json(json, tiny()).value();
  const ModelConfig config = child_config(tiny(), child).value();
  EXPECT_EQ(config.pattern(), "M-M*MM-");
  EXPECT_EQ(config.layers[1].intermediate_size, 256);
  EXPECT_EQ(config.layers[6].intermediate_size, 384);
  const ChildShape grandchild = child_from_json({{"drop_layers", {1}}}, config).value();
  EXPECT_THAT(grandchild.d_ff, ElementsAre(384));
}

TEST(Child, WhatDoesNotFitIsRefusedWithWhatWould) {
  EXPECT_THAT(with("d_model", 0), ::testing::HasSubstr("d_model is 0, must be 1 to 160"));
  EXPECT_THAT(with("d_model", 161), ::testing::HasSubstr("d_model is 161, must be 1 to 160"));
  EXPECT_THAT(with("d_ff", 513), ::testing::HasSubstr("d_ff is 513, must be 1 to 512"));
  EXPECT_THAT(with("mamba_heads", 10), ::testing::HasSubstr("mamba_heads is 10, no multiple of the 4 groups"));
  EXPECT_THAT(with("mamba_head_dim", -1), ::testing::HasSubstr("mamba_head_dim is -1"));
  EXPECT_THAT(with("attention_heads", 5), ::testing::HasSubstr("no multiple of the 2 KV heads of layer 3"));
  EXPECT_THAT(with("drop_layers", 3), ::testing::HasSubstr("drop_layers must be a list"));
  EXPECT_THAT(with("d_modle", 128), ::testing::HasSubstr("unknown field d_modle"));
  expect_error(child_from_json({{"drop_layers", {3, 3}}}, tiny()), ErrorCode::kUsage, "3 after 3");
  expect_error(child_from_json({{"drop_layers", {8}}}, tiny()), ErrorCode::kUsage, "layer 8, the parent's are 0 to 7");
  expect_error(child_from_json({{"drop_layers", {0, 1, 2, 3, 4, 5, 6, 7}}}, tiny()), ErrorCode::kUsage, "all 8 layers");
  expect_error(child_from_json({{"d_ff", {256, 256}}}, tiny()), ErrorCode::kUsage, "d_ff has 2 numbers", "or 3");
  expect_error(child_from_json({{"mamba_heads", {8, 8, 8, 12}}}, tiny()), ErrorCode::kUnsupported, "8, 8, 8, 12");
  expect_error(child_from_json({{"mamba_heads", nlohmann::json::array()}}, tiny()), ErrorCode::kUsage, "0 numbers");
  expect_error(child_from_json({{"d_model", 1.5}}, tiny()), ErrorCode::kUsage, "d_model must be a whole number");
}

TEST(Child, AnAxisThatTheParentDoesNotHaveIsNoTarget) {
  ModelConfig parent = tiny();
  parent.layers = parse_pattern("MM*", 0, 2).value();
  expect_error(child_from_json({{"d_ff", 64}}, parent), ErrorCode::kUsage, "d_ff is 64, but no FFN layer stays");
  ChildShape child = whole(tiny());
  child.dropped_layers = {1, 4, 7};
  child.d_ff = {256};
  expect_error(child_config(tiny(), child), ErrorCode::kUsage, "no FFN layer stays");
}

TEST(Child, IsReadFromAFile) {
  const testing::TempDir dir;
  ASSERT_TRUE(write_file(dir / "child.json", R"({"d_model": 128, "mamba_heads": [8, 8, 8, 8]})"));
  const auto child = read_child(dir / "child.json", tiny());
  ASSERT_TRUE(child) << child.error().message();
  EXPECT_EQ(child->mamba_heads, 8);
  ASSERT_TRUE(write_file(dir / "bad.json", R"({"d_model": 4096})"));
  expect_error(read_child(dir / "bad.json", tiny()), ErrorCode::kUsage, "bad.json", "4096");
}

TEST(Child, ContainsAnother) {
  const ModelConfig parent = tiny();
  const ChildShape all = whole(parent);
  ChildShape large = all, small = all;
  small.dropped_layers = {1, 4};
  small.d_model = 128;
  large.dropped_layers = {4};
  EXPECT_TRUE(contains(parent, all, large) && contains(parent, large, small) && contains(parent, small, small));
  EXPECT_FALSE(contains(parent, small, large));
  small.mamba_heads = all.mamba_heads;
  large.mamba_heads = all.mamba_heads / 2;
  EXPECT_FALSE(contains(parent, large, small));
}

// Widths are listed for the FFN layers that stay, so the same place in two lists may be another layer.
TEST(Child, ContainsFfnWidthsByLayer) {
  const ModelConfig parent = tiny();  // FFN layers 1, 4, 7
  ChildShape large = whole(parent), small = whole(parent);
  large.d_ff = {128, 64, 32};
  small.dropped_layers = {1};
  small.d_ff = {64, 32};
  EXPECT_TRUE(contains(parent, large, small));
  small.d_ff = {96, 32};
  EXPECT_FALSE(contains(parent, large, small));
}

}  // namespace
}  // namespace adder
