#include "make/train/nn/model.h"

#include <gtest/gtest.h>

namespace adder {
namespace {

using torch::Tensor;

ModelConfig tiny() {
  ModelConfig config;
  config.layers = parse_pattern("M*-", 10, 2).value();
  config.vocab_size = 11;
  config.hidden_size = 6;
  config.num_attention_heads = 4;
  config.head_dim = 3;
  config.mamba_num_heads = 4;
  config.mamba_head_dim = 3;
  config.ssm_state_size = 5;
  config.n_groups = 2;
  config.conv_kernel = 4;
  return config;
}

Parameters tiny_parameters() {
  Parameters params(tiny(), torch::kFloat64);
  params.initialise(5, 0.3);
  return params;
}

Tensor ids(std::vector<int64_t> values) {
  return torch::tensor(values, torch::kInt64).view({1, -1});
}

TEST(Model, GradientOfEveryParameterMatchesFiniteDifferences) {
  Parameters params = tiny_parameters();
  for (Tensor& value : params.values()) value.requires_grad_(true);
  const Tensor tokens = ids({3, 1, 4, 1, 5, 9, 2, 6}), targets = ids({1, 4, 1, 5, 9, 2, 6, 5}).view(-1);
  Tensor starts = torch::zeros({1, 8}, torch::kBool);
  starts[0][3] = true;
  const auto loss = [&] {
    return at::cross_entropy_loss(forward(params, tokens, starts, {.chunk = 4}).view({8, -1}), targets);
  };
  loss().backward();
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < params.values().size(); ++i) {
    Tensor flat = params.values()[i].view(-1);
    const Tensor grad = params.values()[i].grad().view(-1);
    // Every element of the small ones, a sample of the matrices.
    for (int64_t j = 0; j < flat.numel(); j += 1 + flat.numel() / 12) {
      constexpr double kStep = 1e-5;
      const double old = flat[j].item<double>();
      flat[j] = old + kStep;
      const double up = loss().item<double>();
      flat[j] = old - kStep;
      const double down = loss().item<double>();
      flat[j] = old;
      EXPECT_NEAR(grad[j].item<double>(), (up - down) / (2 * kStep), 1e-7)
          << name(params.specs()[i].role) << " of layer " << params.specs()[i].layer << ", element " << j;
    }
  }
}

TEST(Model, PackedDocumentsDoNotSeeEachOther) {
  const Parameters params = tiny_parameters();
  torch::NoGradGuard no_grad;
  Tensor starts = torch::zeros({1, 7}, torch::kBool);
  starts[0][0] = starts[0][3] = true;
  const Tensor packed = forward(params, ids({3, 1, 4, 1, 5, 9, 2}), starts, {.chunk = 4});
  const Tensor first = forward(params, ids({3, 1, 4}), Tensor(), {.chunk = 4});
  const Tensor second = forward(params, ids({1, 5, 9, 2}), Tensor(), {.chunk = 4});
  EXPECT_LT((packed - at::cat({first, second}, 1)).abs().max().item<double>(), 1e-12);
}

TEST(Model, ChunkLengthAndPaddingDoNotMatter) {
  const Parameters params = tiny_parameters();
  torch::NoGradGuard no_grad;
  const Tensor tokens = ids({3, 1, 4, 1, 5, 9, 2, 6, 5, 3});
  const Tensor expected = forward(params, tokens, Tensor(), {.chunk = 1});
  for (const int64_t chunk : {2, 3, 5, 16}) {
    const Tensor logits = forward(params, tokens, Tensor(), {.chunk = chunk});
    ASSERT_EQ(logits.sizes(), expected.sizes());
    EXPECT_LT((logits - expected).abs().max().item<double>(), 1e-12) << "chunk " << chunk;
  }
}

TEST(Model, SegmentsChangeNeitherLogitsNorGradients) {
  Parameters params = tiny_parameters();
  for (Tensor& value : params.values()) value.requires_grad_(true);
  const Tensor tokens = ids({3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3}).view({2, 9});
  Tensor starts = torch::zeros({2, 9}, torch::kBool);
  starts[0][5] = starts[1][4] = starts[1][8] = true;
  const Tensor weights = at::randn({2, 9, 11}, torch::kFloat64);
  const auto gradients = [&](const ForwardOptions& options, const Tensor& where, Tensor& logits) {
    for (Tensor& value : params.values()) value.mutable_grad() = Tensor();
    logits = forward(params, tokens, where, options);
    (logits * weights).sum().backward();
    std::vector<Tensor> grads;
    for (const Tensor& value : params.values()) grads.push_back(value.grad().clone());
    return grads;
  };
  for (const Tensor& where : {Tensor(), starts}) {
    Tensor expected, logits;
    const auto whole = gradients({.chunk = 2}, where, expected);
    // Segments shorter than the convolution, such that do not divide the window, and one longer than it.
    for (const int64_t segment : {2, 4, 6, 16}) {
      for (const bool recompute : {false, true}) {
        const auto grads = gradients({.chunk = 2, .recompute = recompute, .segment = segment}, where, logits);
        EXPECT_LT((logits - expected).abs().max().item<double>(), 1e-12) << segment;
        for (size_t i = 0; i < grads.size(); ++i)
          EXPECT_LT((grads[i] - whole[i]).abs().max().item<double>(), 1e-11)
              << name(params.specs()[i].role) << " of layer " << params.specs()[i].layer << ", segments of " << segment;
      }
    }
  }
}

TEST(Model, InitialisationFollowsTheReference) {
  Parameters params(tiny(), torch::kFloat32);
  params.initialise(1, 0.02);
  const Tensor a_log = params.get(Role::kA, 0);
  for (int64_t h = 0; h < 4; ++h) EXPECT_NEAR(a_log[h].item<double>(), std::log(h + 1.0), 1e-6);
  const Tensor dt = at::softplus(params.get(Role::kDtBias, 0));
  EXPECT_GE(dt.min().item<double>(), 0.999e-3);
  EXPECT_LE(dt.max().item<double>(), 0.1001);
  EXPECT_EQ(params.get(Role::kD, 0).min().item<double>(), 1);
  EXPECT_NEAR(params.get(Role::kEmbedding).std().item<double>(), 0.02, 0.006);

  Parameters again(tiny(), torch::kFloat32);
  again.initialise(1, 0.02);
  for (size_t i = 0; i < params.values().size(); ++i) EXPECT_TRUE(params.values()[i].equal(again.values()[i]));
}

}  // namespace
}  // namespace adder
