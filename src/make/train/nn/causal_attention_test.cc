#include "make/train/nn/causal_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "make/train/nn/tensors_for_test.h"

namespace adder {
namespace {

using test::distance;
using test::random;
using torch::Tensor;

/// The definition, all scores at once.
Tensor all_scores(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& starts) {
  const int64_t steps = q.size(1), keys = k.size(1), each = q.size(2) / k.size(2);
  const auto by_head = [&](const Tensor& t) { return t.repeat_interleave(each, 2).transpose(1, 2); };
  Tensor allowed = at::ones({1, 1, steps, keys}, torch::kBool).tril(keys - steps);
  if (starts.defined()) {
    const Tensor document = starts.cumsum(1);
    allowed = allowed.logical_and(
        document.narrow(1, keys - steps, steps).unsqueeze(-1).eq(document.unsqueeze(-2)).unsqueeze(1));
  }
  const Tensor scores = at::matmul(q.transpose(1, 2), by_head(k).transpose(2, 3)) / std::sqrt(q.size(3));
  const Tensor p = at::softmax(scores.masked_fill(allowed.logical_not(), -std::numeric_limits<double>::infinity()), -1);
  return at::matmul(p, by_head(v)).transpose(1, 2);
}

TEST(CausalAttention, IsTheDefinitionOverSeveralBlocks) {
  torch::manual_seed(23);
  constexpr int64_t kSteps = 300;
  for (const int64_t before : {0, 37}) {
    Tensor starts = at::zeros({2, before + kSteps}, torch::kBool);
    starts[0][140] = starts[1][before + 3] = starts[1][290] = true;
    for (const Tensor& documents : {Tensor(), starts}) {
      std::vector<Tensor> in = {random({2, kSteps, 4, 3}), random({2, before + kSteps, 2, 3}),
                                random({2, before + kSteps, 2, 3})};
      for (Tensor& t : in) t.requires_grad_(true);
      const Tensor expected = all_scores(in[0], in[1], in[2], documents),
                   o = causal_attention(in[0], in[1], in[2], documents), weights = random(o.sizes().vec());
      EXPECT_LT(distance(o, expected), 1e-13);
      const auto right = torch::autograd::grad({(expected * weights).sum()}, in),
                 found = torch::autograd::grad({(o * weights).sum()}, in);
      for (size_t i = 0; i < in.size(); ++i) EXPECT_LT(distance(found[i], right[i]), 1e-12) << "input " << i;
    }
  }
}

}  // namespace
}  // namespace adder
