#include <gtest/gtest.h>

#include "make/train/base/torch.h"

#include "make/train/nn/conv.h"
#include "make/train/nn/conv_paths.h"
#include "make/train/nn/norm.h"
#include "make/train/nn/ssd.h"
#include "make/train/nn/tensors_for_test.h"

namespace adder {
namespace {

using test::distance;
using test::random;
using torch::Tensor;

/// Compares the gradient of sum(f(inputs) * weights) with central differences, element by element.
void expect_gradients(std::vector<Tensor> inputs, const std::function<Tensor(const std::vector<Tensor>&)>& f) {
  for (Tensor& input : inputs) input = input.detach().clone().requires_grad_(true);
  const Tensor out = f(inputs);
  const Tensor weights = random(out.sizes().vec());
  const auto grads = torch::autograd::grad({(out * weights).sum()}, inputs);
  torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-5;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tensor flat = inputs[i].view(-1);
    const Tensor grad = grads[i].reshape(-1);
    for (int64_t j = 0; j < flat.numel(); ++j) {
      const double old = flat[j].item<double>();
      const auto loss_at = [&](double value) {
        flat[j] = value;
        return (f(inputs) * weights).sum().item<double>();
      };
      const double numeric = (loss_at(old + kStep) - loss_at(old - kStep)) / (2 * kStep);
      flat[j] = old;
      ASSERT_NEAR(grad[j].item<double>(), numeric, 1e-6 * std::max(1.0, std::abs(numeric)))
          << "input " << i << " element " << j;
    }
  }
}

/// starts [B,T], true at the given (row, position).
Tensor starts_at(int64_t batch, int64_t steps, std::vector<std::pair<int64_t, int64_t>> where) {
  Tensor starts = at::zeros({batch, steps}, torch::kBool);
  for (const auto& [row, position] : where) starts[row][position] = true;
  return starts;
}

struct SsdCase {
  int64_t batch = 2, steps = 12, heads = 4, width = 3, groups = 2, state = 5;

  std::vector<Tensor> inputs() const {
    return {random({batch, steps, heads, width}),  random({batch, steps, heads}).abs() + 0.05,
            -random({heads}).abs() - 0.1,          random({batch, steps, groups, state}),
            random({batch, steps, groups, state}), random({heads})};
  }
};
SsdInputs as_ssd(const std::vector<Tensor>& in, const Tensor& starts) {
  return {in[0], in[1], in[2], in[3], in[4], in[5], starts};
}

/// The recurrence, one token at a time: the definition the chunked form must equal.
Tensor recurrence(const SsdInputs& in) {
  const int64_t batch = in.x.size(0), steps = in.x.size(1), heads = in.x.size(2), per_group = heads / in.b.size(2);
  Tensor y = at::zeros_like(in.x);
  for (int64_t row = 0; row < batch; ++row) {
    for (int64_t h = 0; h < heads; ++h) {
      Tensor s = at::zeros({in.x.size(3), in.b.size(3)}, torch::kFloat64);
      for (int64_t t = 0; t < steps; ++t) {
        if (in.starts.defined() && in.starts[row][t].item<bool>()) s = at::zeros_like(s);
        const Tensor x = in.x[row][t][h], dt = in.dt[row][t][h];
        s = s * (dt * in.a[h]).exp() + dt * at::outer(x, in.b[row][t][h / per_group]);
        y[row][t][h] = at::mv(s, in.c[row][t][h / per_group]) + in.d[h] * x;
      }
    }
  }
  return y;
}

TEST(Ssd, EqualsTheRecurrenceForEveryChunkLength) {
  torch::manual_seed(1);
  const SsdCase shape;
  const auto in = shape.inputs();
  const std::vector<Tensor> kinds = {Tensor(), starts_at(2, 12, {{0, 0}, {0, 5}, {1, 4}, {1, 11}})};
  for (const Tensor& starts : kinds) {
    const Tensor expected = recurrence(as_ssd(in, starts));
    for (const int64_t chunk : {1, 2, 3, 4, 6, 12}) {
      const double error = (ssd(as_ssd(in, starts), chunk).y - expected).abs().max().item<double>();
      EXPECT_LT(error, 1e-12) << "chunk " << chunk << (starts.defined() ? " with documents" : "");
    }
  }
}

TEST(Ssd, GradientsMatchFiniteDifferences) {
  torch::manual_seed(2);
  const SsdCase shape;
  for (const Tensor& starts : {Tensor(), starts_at(2, 12, {{0, 5}, {1, 4}})}) {
    expect_gradients(shape.inputs(), [&](const std::vector<Tensor>& in) { return ssd(as_ssd(in, starts), 4).y; });
  }
}

/// Positions first .. first + n - 1 of the tensors that have time.
SsdInputs stretch(const SsdInputs& in, int64_t first, int64_t n, const Tensor& before) {
  const auto of = [&](const Tensor& t) { return t.defined() ? t.narrow(1, first, n) : t; };
  return {of(in.x), of(in.dt), in.a, of(in.b), of(in.c), in.d, of(in.starts), before};
}

TEST(Ssd, GoesOnFromTheStateItLeft) {
  torch::manual_seed(7);
  const auto in = SsdCase().inputs();
  for (const Tensor& starts : {Tensor(), starts_at(2, 12, {{0, 4}, {1, 9}})}) {
    const SsdOutputs whole = ssd(as_ssd(in, starts), 2);
    const SsdOutputs first = ssd(stretch(as_ssd(in, starts), 0, 4, Tensor()), 2);
    const SsdOutputs second = ssd(stretch(as_ssd(in, starts), 4, 8, first.state), 4);
    EXPECT_LT((at::cat({first.y, second.y}, 1) - whole.y).abs().max().item<double>(), 1e-12);
    EXPECT_LT((second.state - whole.state).abs().max().item<double>(), 1e-12);
  }
}

TEST(Ssd, GradientsGoThroughTheState) {
  torch::manual_seed(8);
  auto inputs = SsdCase().inputs();
  inputs.push_back(random({2, 2, 5, 2, 3}));
  for (const Tensor& starts : {Tensor(), starts_at(2, 12, {{0, 5}})}) {
    expect_gradients(inputs, [&](const std::vector<Tensor>& in) {
      SsdInputs all = as_ssd(in, starts);
      all.before = in[6];
      const SsdOutputs out = ssd(all, 4);
      return at::cat({out.y.reshape(-1), out.state.reshape(-1)});
    });
  }
}

TEST(CausalConv, MatchesTheDefinition) {
  torch::manual_seed(3);
  const Tensor x = random({2, 7, 3}), w = random({3, 4}), bias = random({3});
  const Tensor starts = starts_at(2, 7, {{1, 2}, {1, 5}});
  Tensor expected = at::zeros_like(x);
  for (int64_t row = 0; row < 2; ++row) {
    int64_t first = 0;
    for (int64_t t = 0; t < 7; ++t) {
      if (starts[row][t].item<bool>()) first = t;
      for (int64_t c = 0; c < 3; ++c) {
        double sum = bias[c].item<double>();
        for (int64_t k = 0; k < 4; ++k) {
          if (t - 3 + k >= first) sum += w[c][k].item<double>() * x[row][t - 3 + k][c].item<double>();
        }
        expected[row][t][c] = sum / (1 + std::exp(-sum));
      }
    }
  }
  EXPECT_LT((causal_conv_silu(x, w, bias, starts) - expected).abs().max().item<double>(), 1e-14);
}

TEST(CausalConv, GradientsMatchFiniteDifferences) {
  torch::manual_seed(4);
  for (const Tensor& starts : {Tensor(), starts_at(2, 7, {{0, 3}, {1, 1}, {1, 2}})}) {
    expect_gradients({random({2, 7, 3}), random({3, 4}), random({3})},
                     [&](const std::vector<Tensor>& in) { return causal_conv_silu(in[0], in[1], in[2], starts); });
  }
}

TEST(CausalConv, WorksOnFewerTokensThanTaps) {
  torch::manual_seed(5);
  expect_gradients({random({1, 2, 3}), random({3, 4}), random({3})},
                   [](const std::vector<Tensor>& in) { return causal_conv_silu(in[0], in[1], in[2], Tensor()); });
}

TEST(CausalConv, RowsAndShiftsAreTheSame) {
  torch::manual_seed(6);
  const Tensor wide = random({2, 9, 8}), x = wide.narrow(2, 1, 5), by_tap = random({4, 5}), bias = random({5});
  const Tensor da = random({2, 9, 5});
  for (const Tensor& starts : {Tensor(), starts_at(2, 9, {{0, 3}, {1, 1}, {1, 2}, {1, 8}})}) {
    EXPECT_LT(distance(conv_by_rows(x, by_tap, bias, starts), conv_by_shifts(x, by_tap, bias, starts)), 1e-14);
    const auto in_f32 = [](const Tensor& t) { return t.to(torch::kFloat32); };
    EXPECT_LT(distance(conv_by_rows(in_f32(x), in_f32(by_tap), in_f32(bias), starts),
                       conv_by_shifts(x, by_tap, bias, starts)),
              1e-5);
    const ConvGradients rows = conv_by_rows_backward(da, x, by_tap, starts),
                        shifts = conv_by_shifts_backward(da, x, by_tap, starts);
    EXPECT_LT(distance(rows.dx, shifts.dx), 1e-14);
    EXPECT_LT(distance(rows.d_by_tap, shifts.d_by_tap), 1e-13);
    EXPECT_LT(distance(rows.d_bias, shifts.d_bias), 1e-13);
  }
}

TEST(Norm, GradientsMatchFiniteDifferences) {
  torch::manual_seed(6);
  expect_gradients({random({3, 8}), random({8})},
                   [](const std::vector<Tensor>& in) { return rms_norm(in[0], in[1], 1e-3); });
  expect_gradients({random({3, 8}), random({3, 8}), random({8})},
                   [](const std::vector<Tensor>& in) { return gated_rms_norm(in[0], in[1], in[2], 2, 1e-3); });
}

TEST(Norm, GateComesFirstAndGroupsAreSeparate) {
  // u = y silu(z); with z large silu(z) = z. Groups of two: (3, 4) and (30, 40) both normalise to the same values.
  const Tensor y = at::tensor({3.0, 4.0, 30.0, 40.0}, torch::kFloat64).view({1, 4});
  const Tensor z = at::full({1, 4}, 100.0, torch::kFloat64), w = at::tensor({1.0, 1.0, 2.0, 1.0}, torch::kFloat64);
  const Tensor out = gated_rms_norm(y, z, w, 2, 0);
  const double rms = std::sqrt((9.0 + 16.0) / 2);
  const std::vector<double> expected = {3 / rms, 4 / rms, 2 * 3 / rms, 4 / rms};
  for (int64_t i = 0; i < 4; ++i) EXPECT_NEAR(out[0][i].item<double>(), expected[static_cast<size_t>(i)], 1e-12);
}

}  // namespace
}  // namespace adder
