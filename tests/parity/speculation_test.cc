#include <gtest/gtest.h>

#include <cstring>

#include "core/base/rng.h"
#include "run/engine/logit_stream.h"
#include "run/generate/sampler.h"
#include "tests/parity/random_model.h"

// Drafts change when logits are computed, never what they are, nor what a sampler makes of them.

namespace adder {
namespace {

constexpr ModelSketch kSketch{};

/// Words said again and again, with a slip now and then, so that drafts come true for a while and then fail.
std::vector<TokenId> rambling(int64_t n, uint64_t seed) {
  Rng rng(seed);
  std::vector<TokenId> tokens = random_tokens(12, kSketch.vocab, seed);
  while (static_cast<int64_t>(tokens.size()) < n) {
    const size_t from = rng.below(tokens.size() - 8);
    const size_t length = 4 + rng.below(30);
    for (size_t i = 0; i < length; ++i) tokens.push_back(tokens[from + i]);
    if (rng.below(3) == 0) tokens.push_back(static_cast<TokenId>(rng.below(kSketch.vocab)));
  }
  tokens.resize(static_cast<size_t>(n));
  return tokens;
}

class Speculation : public testing::TestWithParam<int> {
 protected:
  RandomModel random_{kSketch, mix(DType::kQ4_K), static_cast<uint64_t>(GetParam())};
  ThreadPool pool_{2};
  Forward forward_{random_.model(), pool_}, other_{random_.model(), pool_};
  Sequence fresh() const { return Sequence(random_.bound().config, DType::kF16); }
};

TEST_P(Speculation, LogitsAreTheSameBits) {
  constexpr int64_t kLength = 5 * kChunk + 7;
  const std::vector<TokenId> text = rambling(kLength, 7 + static_cast<uint64_t>(GetParam()));
  Sequence alone = fresh();
  const Segment whole{&alone, text, Want::kAll};
  const std::span<const float> want = other_.run({&whole, 1}).value();

  const int64_t n_prompt = kChunk - 3;
  const auto prompt = std::span(text).first(static_cast<size_t>(n_prompt));
  Sequence sequence = fresh();
  const Segment past{&sequence, prompt, Want::kNothing};
  ASSERT_TRUE(forward_.run({&past, 1}).has_value());
  {
    LogitStream stream(forward_, sequence, prompt, true);
    for (int64_t t = n_prompt; t < kLength; ++t) {
      const auto logits = stream.next(text[static_cast<size_t>(t)], kLength - t).value();
      ASSERT_EQ(logits.size(), static_cast<size_t>(kSketch.vocab));
      ASSERT_EQ(0, std::memcmp(logits.data(), want.data() + t * kSketch.vocab, logits.size_bytes())) << t;
      ASSERT_LE(sequence.position(), kLength);
    }
    EXPECT_GT(stream.accepted(), 0);
    EXPECT_GE(stream.drafted(), stream.accepted());
  }

  // The sequence is left as if nothing had been tried.
  ASSERT_EQ(sequence.position(), kLength);
  const Segment more{&sequence, prompt, Want::kAll}, the_same{&alone, prompt, Want::kAll};
  const auto a = forward_.run({&more, 1}).value();
  const auto b = other_.run({&the_same, 1}).value();
  EXPECT_EQ(0, std::memcmp(a.data(), b.data(), a.size_bytes()));
}

TEST_P(Speculation, WhatWasNotAskedForIsForgotten) {
  const std::vector<TokenId> text(40, 5);
  Sequence sequence = fresh();
  const Segment past{&sequence, text, Want::kNothing};
  ASSERT_TRUE(forward_.run({&past, 1}).has_value());
  for (int64_t calls = 1; calls < 12; ++calls) {
    const int64_t from = sequence.position();
    {
      LogitStream stream(forward_, sequence, text, true);
      for (int64_t i = 0; i < calls; ++i) ASSERT_TRUE(stream.next(5, 1000).has_value());
    }
    EXPECT_EQ(sequence.position(), from + calls);
    ASSERT_TRUE(sequence.cut(from).has_value());
  }
}

TEST_P(Speculation, SamplersDrawTheSameTokens) {
  const std::vector<TokenId> prompt = rambling(70, 3);
  const auto answer = [&](const SamplerOptions& options, bool speculate, int64_t n) {
    Sequence sequence = fresh();
    const Segment past{&sequence, prompt};
    std::span<const float> logits = forward_.run({&past, 1}).value();
    Sampler sampler(options);
    for (const TokenId token : prompt) sampler.accept(token);
    LogitStream stream(forward_, sequence, prompt, speculate);
    std::vector<TokenId> tokens;
    while (static_cast<int64_t>(tokens.size()) < n) {
      if (!tokens.empty()) logits = stream.next(tokens.back(), n - static_cast<int64_t>(tokens.size())).value();
      tokens.push_back(sampler.sample(logits).value());
      sampler.accept(tokens.back());
    }
    return tokens;
  };
  for (const SamplerOptions& options :
       {SamplerOptions{.temperature = 0}, SamplerOptions{.temperature = 0.3f, .seed = 1},
        SamplerOptions{.temperature = 0.1f, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 2},
        SamplerOptions{.temperature = 0, .repetition_penalty = 1.1f, .penalty_last_n = 20},
        SamplerOptions{.temperature = 0.2f, .presence_penalty = 0.1f, .frequency_penalty = 0.05f, .seed = 4}})
    EXPECT_EQ(answer(options, true, 150), answer(options, false, 150)) << options.temperature << ' ' << options.seed;
}

INSTANTIATE_TEST_SUITE_P(Models, Speculation, testing::Range(1, 4));

}  // namespace
}  // namespace adder
