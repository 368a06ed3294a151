#include "tests/parity/oracle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "run/model/forward.h"
#include "tests/parity/random_model.h"

namespace adder {
namespace {

struct Case {
  std::string_view name;
  ModelSketch sketch;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

std::vector<float> engine_logits(const RandomModel& random, DType kv_type, std::span<const TokenId> tokens,
                                 DType state_type = DType::kF32) {
  ThreadPool pool(2);
  const auto model = random.model();
  Forward forward(model, pool);
  Sequence sequence(model->config(), kv_type, state_type);
  const Segment segment{&sequence, tokens, Want::kAll};
  const auto logits = forward.run({&segment, 1});
  CHECK(logits.has_value(), "{}", logits.error().message());
  return {logits->begin(), logits->end()};
}

double max_difference(const std::vector<float>& logits, const std::vector<double>& expected) {
  CHECK(logits.size() == expected.size());
  double worst = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(logits[i]) - expected[i]);
    worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
  }
  return worst;
}

/// Mean over positions of KL(expected || logits), nats.
double mean_divergence(const std::vector<float>& logits, const std::vector<double>& expected, size_t vocab) {
  CHECK(logits.size() == expected.size());
  const auto log_sum_exp = [vocab](const auto* row) {
    double sum = 0;
    for (size_t i = 0; i < vocab; ++i) sum += std::exp(static_cast<double>(row[i]));
    return std::log(sum);
  };
  double total = 0;
  for (size_t row = 0; row < expected.size(); row += vocab) {
    const double p_norm = log_sum_exp(&expected[row]), q_norm = log_sum_exp(&logits[row]);
    for (size_t i = row; i < row + vocab; ++i) {
      const double log_p = expected[i] - p_norm;
      total += std::exp(log_p) * (log_p - (static_cast<double>(logits[i]) - q_norm));
    }
  }
  return total / static_cast<double>(expected.size() / vocab);
}

class Parity : public testing::TestWithParam<Case> {};

TEST_P(Parity, EngineEqualsTheRecurrence) {
  const RandomModel random(GetParam().sketch, all(DType::kF32));
  const std::vector<TokenId> tokens = random_tokens(220, GetParam().sketch.vocab, 7);
  const std::vector<double> expected = oracle_logits(random.bound(), tokens);
  for (const auto& [kv_type, bound] : {std::pair{DType::kF32, 1e-4}, {DType::kF16, 0.01}, {DType::kBF16, 0.1}}) {
    const double difference = max_difference(engine_logits(random, kv_type, tokens), expected);
    RecordProperty(std::string(name(kv_type)), std::to_string(difference));
    EXPECT_LE(difference, bound) << name(kv_type);
  }
  for (const auto& [state_type, bound] : {std::pair{DType::kF16, 0.01}, {DType::kBF16, 0.1}}) {
    const double difference = max_difference(engine_logits(random, DType::kF32, tokens, state_type), expected);
    EXPECT_LE(difference, bound) << "state " << name(state_type);
  }
  EXPECT_LE(max_difference(engine_logits(random, DType::kF8E4M3, tokens), expected), 0.5) << "keys in FP8";
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Parity,
    testing::Values(Case{"usual", {}}, Case{"one_group", {.mamba_heads = 5, .groups = 1}},
                    Case{"five_groups", {.mamba_heads = 10, .mamba_head_dim = 4, .groups = 5}},
                    Case{"groups_equal_heads", {.mamba_heads = 3, .groups = 3}},
                    Case{"one_kv_head", {.heads = 5, .kv_heads = 1}},
                    Case{"all_kv_heads", {.heads = 3, .kv_heads = 3, .head_dim = 24}}, Case{"conv_2", {.conv = 2}},
                    Case{"conv_3", {.conv = 3}}, Case{"no_attention", {.pattern = "M-MM-"}},
                    Case{"attention_first", {.pattern = "*-M*M-"}}, Case{"attention_only", {.pattern = "*-*-"}},
                    Case{"odd_widths", {.vocab = 97, .hidden = 37, .ffn = 51, .mamba_head_dim = 7, .state = 9}},
                    Case{"wide",
                         {.pattern = "M-*",
                          .vocab = 333,
                          .hidden = 160,
                          .ffn = 320,
                          .mamba_heads = 8,
                          .mamba_head_dim = 24,
                          .state = 48}},
                    Case{"tied", {.tied = true}}),
    [](const auto& the) { return std::string(the.param.name); });

const ModelSketch kWhole32{
    .pattern = "M-*", .hidden = 64, .ffn = 256, .heads = 4, .mamba_heads = 8, .mamba_head_dim = 32};

TEST(Parity, SixteenBitWeightsAreUsedAsTheyDecode) {
  const RandomModel random(kWhole32, mix(DType::kBF16));
  const std::vector<TokenId> tokens = random_tokens(130, kWhole32.vocab, 8);
  const auto expected = oracle_logits(random.bound(), tokens);
  EXPECT_LE(max_difference(engine_logits(random, DType::kF32, tokens), expected), 1e-3);
}

/// Integer weights take activations rounded to bytes; that, and nothing else, is the difference.
TEST(Parity, QuantisedWeightsDivergeByTheRoundingOfActivations) {
  for (const DType dtype : {DType::kQ8_0, DType::kQ4_K, DType::kQ6_K}) {
    const RandomModel random(kWhole32, mix(dtype));
    const std::vector<TokenId> tokens = random_tokens(130, kWhole32.vocab, 8);
    const auto expected = oracle_logits(random.bound(), tokens);
    const auto logits = engine_logits(random, DType::kF32, tokens);
    const double divergence = mean_divergence(logits, expected, static_cast<size_t>(kWhole32.vocab));
    EXPECT_LE(divergence, 1e-3) << name(dtype);
    EXPECT_GT(divergence, 1e-7) << name(dtype) << ": no rounding, is this the integer product?";
  }
}

}  // namespace
}  // namespace adder
