#include "run/generate/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/testing/expect_error.h"

namespace adder {
namespace {

using testing::expect_error;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Nothing but the draw.
SamplerOptions plain(uint64_t seed) {
  return {.temperature = 1, .top_k = 0, .top_p = 1, .min_p = 0, .penalty_last_n = -1, .seed = seed};
}
SamplerOptions greedy() {
  SamplerOptions options = plain(0);
  options.temperature = 0;
  return options;
}

/// sum (observed - expected)^2 / expected over the tokens that have a probability; the others must not occur.
double chi_square(const SamplerOptions& options, const std::vector<float>& logits, const std::vector<double>& expected,
                  int n) {
  Sampler sampler(options);
  std::vector<int> seen(logits.size());
  for (int i = 0; i < n; ++i) ++seen[static_cast<size_t>(sampler.sample(logits).value())];
  double sum = 0;
  for (size_t i = 0; i < seen.size(); ++i) {
    const double want = n * expected[i];
    if (want > 0) {
      sum += (seen[i] - want) * (seen[i] - want) / want;
    } else {
      EXPECT_EQ(seen[i], 0) << i;
    }
  }
  return sum;
}

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)) + 3);
  return logits;
}

const std::vector<double> kP = {0.15, 0.5, 0.05, 0.3};
constexpr double kQuantile3 = 16.27;  // chi-square with 3 degrees of freedom, 99.9 %
constexpr double kQuantile2 = 13.82;
constexpr double kQuantile1 = 10.83;

TEST(Sampler, DrawsFromTheSoftmax) {
  for (uint64_t seed = 1; seed <= 3; ++seed)
    EXPECT_LT(chi_square(plain(seed), logits_of(kP), kP, 20000), kQuantile3) << seed;
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  SamplerOptions options = plain(5);
  options.temperature = 0.5f;  // probabilities squared: 225, 2500, 25, 900 of 3650
  EXPECT_LT(chi_square(options, logits_of(kP), {225 / 3650.0, 2500 / 3650.0, 25 / 3650.0, 900 / 3650.0}, 20000),
            kQuantile3);
  options.temperature = 1e-30f;
  EXPECT_EQ(chi_square(options, logits_of(kP), {0, 1, 0, 0}, 100), 0);
}

TEST(Sampler, FiltersLeaveRenormalisedProbabilities) {
  SamplerOptions options = plain(6);
  options.top_k = 2;
  EXPECT_LT(chi_square(options, logits_of(kP), {0, 0.625, 0, 0.375}, 20000), kQuantile1);
  options = plain(7);
  options.top_p = 0.81f;
  EXPECT_LT(chi_square(options, logits_of(kP), {0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95}, 20000), kQuantile2);
  options = plain(8);
  options.min_p = 0.2f;
  EXPECT_LT(chi_square(options, logits_of(kP), {0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95}, 20000), kQuantile2);
}

TEST(Sampler, FiltersLookAtProbabilitiesBeforeTemperature) {
  SamplerOptions options = plain(9);
  options.min_p = 0.2f;
  options.temperature = 1e6f;  // would bring all within min-p if it came first
  EXPECT_LT(chi_square(options, logits_of(kP), {1 / 3.0, 1 / 3.0, 0, 1 / 3.0}, 20000), kQuantile2);
}

TEST(Sampler, GreedyTakesTheLowestOfTheLikeliest) {
  EXPECT_EQ(Sampler(greedy()).sample(std::vector<float>{1, 7, 3, 7}), 1);
}

TEST(Sampler, IsReproducible) {
  const std::vector<float> logits(1000, 0.0f);
  Sampler a(plain(11)), b(plain(11)), c(plain(12));
  int different = 0;
  for (int i = 0; i < 50; ++i) {
    const int32_t token = a.sample(logits).value();
    EXPECT_EQ(token, b.sample(logits));
    different += token != c.sample(logits).value();
  }
  EXPECT_GT(different, 40);
}

TEST(Sampler, RepetitionDividesPositiveAndMultipliesNegativeLogits) {
  SamplerOptions options = greedy();
  options.repetition_penalty = 2;
  Sampler positive(options);
  positive.accept(0);
  EXPECT_EQ(positive.sample(std::vector<float>{4, 2.1f}), 1);  // 4 / 2 < 2.1
  EXPECT_EQ(positive.sample(std::vector<float>{4, 1.9f}), 0);
  EXPECT_EQ(positive.sample(std::vector<float>{-1, -1.9f}), 1);  // -1 * 2 < -1.9
  EXPECT_EQ(positive.sample(std::vector<float>{-1, -2.1f}), 0);
}

TEST(Sampler, PresenceCountsOnceFrequencyEveryTime) {
  SamplerOptions options = greedy();
  options.presence_penalty = 1;
  Sampler presence(options);
  for (int i = 0; i < 3; ++i) presence.accept(0);
  EXPECT_EQ(presence.sample(std::vector<float>{5, 3.9f}), 0);  // 5 - 1
  EXPECT_EQ(presence.sample(std::vector<float>{5, 4.1f}), 1);

  options.presence_penalty = 0.5f;
  options.frequency_penalty = 1;
  Sampler both(options);
  for (int i = 0; i < 3; ++i) both.accept(0);
  EXPECT_EQ(both.sample(std::vector<float>{5, 1.4f}), 0);  // 5 - 0.5 - 3
  EXPECT_EQ(both.sample(std::vector<float>{5, 1.6f}), 1);
}

TEST(Sampler, PenaltiesForgetBeyondTheWindow) {
  SamplerOptions options = greedy();
  options.frequency_penalty = 1;
  options.penalty_last_n = 2;
  Sampler sampler(options);
  const std::vector<float> logits = {2, 1.5f, 0, 0};
  sampler.accept(0);
  EXPECT_EQ(sampler.sample(logits), 1);
  sampler.accept(2);
  EXPECT_EQ(sampler.sample(logits), 1);
  sampler.accept(3);
  EXPECT_EQ(sampler.sample(logits), 0);

  options.penalty_last_n = 0;
  Sampler off(options);
  off.accept(0);
  EXPECT_EQ(off.sample(logits), 0);
}

TEST(Sampler, RefusesLogitsThatAreNoNumbers) {
  SamplerOptions options = plain(4);
  for (const float temperature : {0.0f, 0.8f}) {
    options.temperature = temperature;
    Sampler sampler(options);
    expect_error(sampler.sample(std::vector<float>(5, kNaN)), ErrorCode::kCorrupt, "token 0 the logit nan", "5 of 5");
    expect_error(sampler.sample(std::vector<float>{-1, 2, kNaN, 3}), ErrorCode::kCorrupt, "token 2 the logit nan",
                 "1 of 4");
    expect_error(sampler.sample(std::vector<float>{0, kInf, kNaN}), ErrorCode::kCorrupt, "token 1 the logit inf",
                 "2 of 3");
    expect_error(sampler.sample(std::vector<float>{-kInf, -kInf}), ErrorCode::kCorrupt, "all 2 logits are -inf");
    EXPECT_EQ(sampler.sample(std::vector<float>{-kInf, -5, -kInf}), 1);
  }
}

TEST(Sampler, PenaltiesBeyondFloatDoNotHurt) {
  SamplerOptions options = {.presence_penalty = 1, .frequency_penalty = -3e38f, .seed = 4};
  for (const float temperature : {0.0f, 0.8f, 1e38f}) {
    options.temperature = temperature;
    Sampler sampler(options);
    sampler.accept(1);
    sampler.accept(1);
    sampler.accept(-7);
    sampler.accept(1000000);
    EXPECT_EQ(sampler.sample(std::vector<float>{0, -1, -kInf}), 1);  // -1 + 6e38 is the largest float
    EXPECT_EQ(sampler.sample(std::vector<float>{0}), 0);
  }
}

TEST(Sampler, RefusesOptionsThatMakeNoSense) {
  EXPECT_TRUE(validate(SamplerOptions{}).has_value());
  const std::vector<SamplerOptions> wrong = {{.temperature = -1},
                                             {.temperature = kNaN},
                                             {.temperature = kInf},
                                             {.top_k = -1},
                                             {.top_p = 1.5f},
                                             {.top_p = kNaN},
                                             {.min_p = -0.1f},
                                             {.repetition_penalty = 0},
                                             {.repetition_penalty = -1},
                                             {.presence_penalty = kInf},
                                             {.frequency_penalty = kNaN},
                                             {.penalty_last_n = -2}};
  for (size_t i = 0; i < wrong.size(); ++i) {
    const Status status = validate(wrong[i]);
    ASSERT_FALSE(status.has_value()) << i;
    EXPECT_EQ(status.error().code(), ErrorCode::kUsage);
  }
}

TEST(LogProbability, IsTheLogOfTheSoftmax) {
  EXPECT_NEAR(log_probability(logits_of(kP), 1), std::log(0.5), 1e-6);
  EXPECT_NEAR(log_probability(std::vector<float>{1000, 0}, 1), -1000, 1e-9);
}

}  // namespace
}  // namespace adder
