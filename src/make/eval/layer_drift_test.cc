#include "make/eval/layer_drift.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/testing/temp_dir.h"
#include "run/engine/chain_model_for_test.h"

namespace adder {
namespace {

/// Two chain models that differ in one number of the output matrix alone.
class LayerDriftTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_chain_model(dir_ / "a.gguf", {{'a', 'b'}}, tiny_vocabulary(), 264, 2));
    ASSERT_TRUE(write_chain_model(dir_ / "b.gguf", {{'a', 'b'}}, tiny_vocabulary(), 264, 3));
    parent_ = Engine::open(dir_ / "a.gguf", {.threads = 1}).value();
    child_ = Engine::open(dir_ / "b.gguf", {.threads = 1}).value();
  }
  static void read(Engine& engine, const std::vector<TokenId>& tokens) {
    Sequence sequence = engine.new_sequence().value();
    const Segment segment{&sequence, tokens, Want::kAll};
    ASSERT_TRUE(engine.forward().run({&segment, 1}));
  }
  testing::TempDir dir_;
  std::unique_ptr<Engine> parent_, child_;
};

/// Given other text than its parent, a child's hidden states, which are one-hot here, are at a right angle.
TEST_F(LayerDriftTest, LayersSeeHowFarTheirInputsMoved) {
  {
    LayerDrift drift(*parent_, *child_);
    read(*parent_, {'a', 'b'});
    read(*child_, {'a', 'b'});
    ASSERT_EQ(drift.layers().size(), 2u) << "one layer, and the output";
    for (const LayerDrift::Layer& layer : drift.layers()) EXPECT_EQ(layer.change, 0);
    read(*parent_, {'a', 'b'});
    read(*child_, {'b', 'b'});
    EXPECT_EQ(drift.layers()[0].first.role, Role::kUp);
    EXPECT_EQ(drift.layers()[1].first.role, Role::kOutput);
    for (const LayerDrift::Layer& layer : drift.layers())
      EXPECT_NEAR(layer.change, std::sqrt(2 / 4.0), 1e-6) << "|e_a - e_b|^2 = 2 once in four positions";
  }
  read(*parent_, {'a'});  // nobody watches any more
}

TEST_F(LayerDriftTest, OtherLayersCannotBeCompared) {
  ASSERT_TRUE(write_chain_model(dir_ / "wide.gguf", {}, tiny_vocabulary(), 280));
  const auto wide = Engine::open(dir_ / "wide.gguf", {.threads = 1}).value();
  EXPECT_TRUE(LayerDrift(*parent_, *wide).layers().empty());
}

}  // namespace
}  // namespace adder
