#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "core/base/check.h"
#include "run/engine/engine.h"

// Whole answers of the built-in model: speculation and reuse make them sooner and nothing else.

namespace adder {
namespace {

std::unique_ptr<Engine> open(const EngineOptions& options = {}) {
  auto engine = Engine::open(ADDER_SEEDLING, options);
  CHECK(engine.has_value(), "{}", engine.error().message());
  return std::move(*engine);
}

struct Streamed {
  GenerateResult result;
  std::vector<std::string> pieces;
};
Streamed answer(Engine& engine, const GenerateRequest& request, size_t cancel_after = 1000) {
  std::vector<std::string> pieces;
  auto result = engine.generate(request, [&](std::string_view piece) {
    pieces.emplace_back(piece);
    return pieces.size() < cancel_after;
  });
  CHECK(result.has_value(), "{}", result.error().message());
  return {std::move(*result), pieces};
}

void expect_same(const Streamed& a, const Streamed& b) {
  EXPECT_EQ(a.result.tokens, b.result.tokens);
  EXPECT_EQ(a.result.text, b.result.text);
  EXPECT_EQ(a.result.reason, b.result.reason);
}

std::vector<GenerateRequest> requests(const Engine& engine) {
  GenerateRequest plain;
  plain.prompt = engine.tokenizer().encode("She was not a cat, she was not a dog, she was not a");
  plain.max_tokens = 90;
  plain.sampling.temperature = 0;
  std::vector<GenerateRequest> all;
  const auto add = [&](const std::function<void(GenerateRequest&)>& change) {
    all.push_back(plain);
    change(all.back());
  };
  add([](auto& r) { r.ignore_eos = true; });
  add([](auto& r) { r.max_tokens = 7; });
  add([](auto& r) { r.stop = {"girl", "not a"}; });
  add([](auto& r) { r.stop = {"so g"}; });
  add([](auto& r) { r.sampling = {.temperature = 0.4f, .seed = 3}; });
  add([](auto& r) { r.sampling = {.temperature = 0.9f, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 4}; });
  add([](auto& r) { r.sampling = {.temperature = 0, .repetition_penalty = 1.05f}; });
  add([](auto& r) { r.sampling = {.temperature = 0.3f, .frequency_penalty = 0.02f, .penalty_last_n = -1, .seed = 5}; });
  return all;
}

TEST(Answer, SpeculationChangesNothing) {
  const auto engine = open({.threads = 1});
  int64_t accepted = 0;
  for (GenerateRequest request : requests(*engine)) {
    for (const size_t cancel_after : {size_t{1000}, size_t{20}}) {
      request.speculate = true;
      const Streamed with = answer(*engine, request, cancel_after);
      request.speculate = false;
      const Streamed without = answer(*engine, request, cancel_after);
      expect_same(with, without);
      EXPECT_EQ(with.pieces, without.pieces);
      accepted += with.result.accepted;
      EXPECT_EQ(without.result.drafted, 0);
      EXPECT_LT(with.result.accepted, std::max<int64_t>(1, static_cast<int64_t>(with.result.tokens.size())));
    }
  }
  EXPECT_GT(accepted, 0);
}

TEST(Answer, ReuseChangesNothing) {
  const auto fresh = open({.threads = 1});
  const auto keeping = open({.threads = 1, .prefill_tokens = 64, .snapshot_bytes = 64'000'000});
  const std::string story =
      "Once upon a time there was a miller who had three sons. When he died, he left them nothing but his mill, his "
      "ass, and his cat. The eldest took the mill, the second the ass, and the youngest nothing but the cat. ";
  std::vector<int64_t> reused;
  for (const std::string& prompt : {story + story + "The", story + story + "The", story + story + "The cat said",
                                    story + "The cat", std::string("x"), story + story}) {
    GenerateRequest request;
    request.prompt = fresh->tokenizer().encode(prompt);
    request.max_tokens = 40;
    const Streamed kept = answer(*keeping, request), alone = answer(*fresh, request);
    expect_same(kept, alone);
    EXPECT_EQ(alone.result.reused_tokens, 0);
    EXPECT_LT(kept.result.reused_tokens, static_cast<int64_t>(request.prompt.size()));
    reused.push_back(kept.result.reused_tokens);
    reused.push_back(static_cast<int64_t>(request.prompt.size()));
  }
  EXPECT_EQ(reused[0], 0);
  EXPECT_EQ(reused[2], reused[3] - 1);   // the same again
  EXPECT_GE(reused[4], reused[3] - 1);   // and a little more
  EXPECT_GT(reused[6], reused[7] - 70);  // back to the middle
  EXPECT_LE(reused[8], 1);               // nothing in common but a BOS
}

TEST(Answer, AFailureLeavesThePastUsable) {
  const auto engine = open({.threads = 1, .snapshot_bytes = 64'000'000});
  GenerateRequest request = requests(*engine).front();
  const Streamed first = answer(*engine, request);
  GenerateRequest broken = request;
  broken.prompt.push_back(-1);
  EXPECT_FALSE(engine->generate(broken).has_value());
  expect_same(answer(*engine, request), first);
}

}  // namespace
}  // namespace adder
