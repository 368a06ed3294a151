#include <gtest/gtest.h>

#include "make/train/elastic/prefixes.h"
#include "make/train/elastic/toy_for_test.h"
#include "make/train/nn/model.h"

namespace adder {
namespace {

using test::sliced;
using test::toy_config;
using test::toy_parameters;
using test::toy_tokens;
using torch::Tensor;

struct NamedChild {
  std::string name;
  ChildShape shape;
};

/// One child for every axis, and one that is smaller on all.
std::vector<NamedChild> children() {
  const ChildShape full = whole(toy_config());
  std::vector<NamedChild> all;
  const auto add = [&](const char* name, auto&& change) { change(all.emplace_back(NamedChild{name, full}).shape); };
  add("nothing", [](ChildShape&) {});
  add("hidden", [](ChildShape& c) { c.d_model = 16; });
  add("ffn", [](ChildShape& c) { c.d_ff = {12}; });
  add("ffn by layer", [](ChildShape& c) { c.d_ff = {4, 12}; });
  add("mamba heads", [](ChildShape& c) { c.mamba_heads = 6; });
  add("mamba channels", [](ChildShape& c) { c.mamba_head_dim = 4; });
  add("attention heads", [](ChildShape& c) { c.attention_heads = 2; });
  add("depth", [](ChildShape& c) { c.dropped_layers = {1, 3}, c.d_ff = {20}; });
  add("all", [](ChildShape& c) { c = {16, {1, 5}, 4, 4, {12}, 2}; });
  return all;
}

Tensor masked_logits(const Parameters& parent, const Masks& masks, Precision precision = Precision::kF32) {
  torch::NoGradGuard no_grad;
  return forward(parent, toy_tokens(), {}, {.precision = precision, .chunk = 4, .masks = &masks});
}
Tensor sliced_logits(const Parameters& parent, const ChildShape& shape, Precision precision = Precision::kF32) {
  torch::NoGradGuard no_grad;
  return forward(sliced(parent, shape), toy_tokens(), {}, {.precision = precision, .chunk = 4});
}
double largest(const Tensor& t) {
  return t.abs().max().item<double>();
}

TEST(Masked, IsTheSlicedModelOnEveryAxisAndOnAllTogether) {
  const Parameters parent = toy_parameters();
  const Tensor whole_logits = sliced_logits(parent, whole(toy_config()));
  for (const auto& [name, shape] : children()) {
    const Masks masks = masks_of(toy_config(), shape, torch::kFloat32);
    const Tensor expected = sliced_logits(parent, shape);
    ASSERT_GT(largest(expected), 0.5) << name;
    if (shape != whole(toy_config())) {
      EXPECT_GT(largest(expected - whole_logits), 1e-2) << name << " cuts nothing that matters";
    }
    EXPECT_LT(largest(masked_logits(parent, masks) - expected), 1e-4) << name;
  }
}

TEST(Masked, IsTheSlicedModelInBf16) {
  const Parameters parent = toy_parameters();
  for (const auto& [name, shape] : children()) {
    const Masks masks = masks_of(toy_config(), shape, torch::kFloat32);
    const Tensor expected = sliced_logits(parent, shape, Precision::kBf16);
    const double error = largest(masked_logits(parent, masks, Precision::kBf16) - expected);
    EXPECT_LT(error, 2e-2 * largest(expected)) << name;
  }
}

/// What masking without the norm's factor would be: dead channels are zero, and the norm counts them.
TEST(Masked, ANormThatCountsDeadChannelsIsAnotherModel) {
  const ChildShape full = whole(toy_config());
  ChildShape narrow = full, few_heads = full;
  narrow.d_model = 16;
  few_heads.mamba_heads = 6;
  torch::NoGradGuard no_grad;
  Parameters without_channels = toy_parameters(), without_heads = toy_parameters();
  const Masks masks = masks_of(toy_config(), narrow, torch::kFloat32);
  const Tensor heads = masks_of(toy_config(), few_heads, torch::kFloat32).layers[0].width;
  for (size_t i = 0; i < without_channels.specs().size(); ++i) {
    Tensor& value = without_channels.values()[i];
    switch (without_channels.specs()[i].role) {
      case Role::kEmbedding:
        value.mul_(masks.hidden);
        break;
      case Role::kSsmOut:
      case Role::kO:
      case Role::kDown:
        value.mul_(masks.hidden.unsqueeze(1));
        break;
      case Role::kSsmIn:  // z of the heads, of which silu(z) = 0
        without_heads.values()[i].narrow(0, 0, heads.numel()).mul_(heads.unsqueeze(1));
        break;
      default:
        break;
    }
  }
  const Parameters parent = toy_parameters();
  EXPECT_GT(largest(forward(without_channels, toy_tokens(), {}, {.chunk = 4}) - sliced_logits(parent, narrow)), 1e-2);
  EXPECT_GT(largest(forward(without_heads, toy_tokens(), {}, {.chunk = 4}) - sliced_logits(parent, few_heads)), 1e-2);
}

TEST(Masked, APrefixOfAllHeadsInsteadOfEachGroupsIsAnotherModel) {
  const Parameters parent = toy_parameters();
  ChildShape few_heads = whole(toy_config());
  few_heads.mamba_heads = 6;
  Masks masks = masks_of(toy_config(), few_heads, torch::kFloat32);
  const Tensor expected = sliced_logits(parent, few_heads);
  ASSERT_LT(largest(masked_logits(parent, masks) - expected), 1e-4);
  const int64_t width = toy_config().mamba_head_dim;
  for (LayerMask& mask : masks.layers) {
    if (!mask.width.defined() || mask.width.numel() != toy_config().d_inner()) continue;
    ASSERT_EQ(mask.width.sum().item<double>(), 6 * width);
    mask.width = (at::arange(mask.width.numel()) < 6 * width).to(torch::kFloat32);
  }
  EXPECT_GT(largest(masked_logits(parent, masks) - expected), 1e-2);
}

TEST(Prefixes, OfADecisionAreTheMasksOfItsChild) {
  const SearchSpace space = test::toy_space();
  const Prefixes prefixes(space, torch::kFloat32);
  const Parameters parent = toy_parameters();
  for (const Decision& decision : {Decision{{{0}, {1}, {2}, {1}, {2}}}, Decision{{{2}, {0}, {1}, {0}, {1}}}}) {
    const ChildShape child = child_of(space, decision);
    const Masks masks = prefixes.masks(one_hot(space, decision, torch::kFloat32));
    EXPECT_LT(largest(masked_logits(parent, masks) - sliced_logits(parent, child)), 1e-4);
  }
}

TEST(Prefixes, OfProbabilitiesAreStaircasesAndLayersFadeInTheOrderOfTheDropList) {
  const SearchSpace space = test::toy_space();  // drops layer 4, then 3
  const Prefixes prefixes(space, torch::kFloat64);
  ChoiceWeights weights = one_hot(space, {{{0}, {0}, {0}, {0}, {0}}}, torch::kFloat64);
  weights[0] = torch::tensor({0.5, 0.3, 0.2}, torch::kFloat64).view({1, 3});  // 24, 16, 8
  weights[4] = torch::tensor({0.6, 0.3, 0.1}, torch::kFloat64).view({1, 3});  // 0, 1, 2 layers gone
  const Masks masks = prefixes.masks(weights);
  for (int64_t i = 0; i < 24; ++i) {
    EXPECT_NEAR(masks.hidden[i].item<double>(), i < 8 ? 1 : i < 16 ? 0.8 : 0.5, 1e-12) << i;
  }
  EXPECT_NEAR(masks.layers[4].branch.item<double>(), 0.6, 1e-12);
  EXPECT_NEAR(masks.layers[3].branch.item<double>(), 0.9, 1e-12);
  EXPECT_FALSE(masks.layers[1].branch.defined()) << "third on the list, but two may go";
}

}  // namespace
}  // namespace adder
