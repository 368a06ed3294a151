#include "run/engine/engine.h"

#include <gmock/gmock.h>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "run/engine/chain_model_for_test.h"

namespace adder {
namespace {

using adder::testing::expect_error;
using ::testing::ElementsAre;

/// a b c d e f </s> !, é after x; everything else is followed by byte 0.
const std::map<TokenId, TokenId> kNext = {{kBos, 'a'}, {'a', 'b'},  {'b', 'c'},  {'c', 'd'},   {'d', 'e'}, {'e', 'f'},
                                          {'f', kEos}, {kEos, '!'}, {'x', 0xc3}, {0xc3, 0xa9}, {0xa9, 'x'}};

class EngineTest : public ::testing::Test {
 protected:
  std::unique_ptr<Engine> open(const EngineOptions& options = {}, const TokenizerData& vocabulary = tiny_vocabulary()) {
    const Status written = write_chain_model(dir_ / "chain.gguf", kNext, vocabulary);
    CHECK(written.has_value(), "{}", written.error().message());
    auto engine = Engine::open(dir_ / "chain.gguf", options);
    CHECK(engine.has_value(), "{}", engine.error().message());
    return std::move(*engine);
  }
  static GenerateRequest from(std::vector<TokenId> prompt) {
    GenerateRequest request;
    request.prompt = std::move(prompt);
    request.sampling.temperature = 0;
    return request;
  }

  adder::testing::TempDir dir_;
};

TEST_F(EngineTest, AnswersUntilTheEndToken) {
  const auto engine = open();
  std::vector<std::string> pieces;
  const GenerateResult result = engine
                                    ->generate(from({'a'}),
                                               [&](std::string_view piece) {
                                                 pieces.emplace_back(piece);
                                                 return true;
                                               })
                                    .value();
  EXPECT_EQ(result.text, "bcdef");
  EXPECT_EQ(result.reason, FinishReason::kStop);
  EXPECT_THAT(result.tokens, ElementsAre('b', 'c', 'd', 'e', 'f'));
  EXPECT_THAT(pieces, ElementsAre("b", "c", "d", "e", "f"));
  EXPECT_GT(result.prompt_seconds, 0);
  EXPECT_GT(result.generate_seconds, 0);
}

TEST_F(EngineTest, TellsEachTokenBeforeItsText) {
  const auto engine = open();
  std::string seen;
  const auto on_text = [&](std::string_view piece) {
    seen += piece;
    return true;
  };
  const GenerateResult result =
      engine->generate(from({'d'}), on_text, [&](TokenId token) { seen += fmt::format("{} ", token); }).value();
  EXPECT_EQ(seen, "101 e102 f");
  EXPECT_THAT(result.tokens, ElementsAre('e', 'f'));
}

TEST_F(EngineTest, TakesForcedTokensWhateverTheModelSays) {
  const auto engine = open();
  GenerateRequest request = from({'a'});
  int asked = 0;
  request.force = [&]() -> std::optional<TokenId> { return ++asked == 2 ? std::optional<TokenId>('d') : std::nullopt; };
  for (const bool speculate : {false, true}) {
    asked = 0;
    request.speculate = speculate;
    const GenerateResult result = engine->generate(request).value();
    EXPECT_THAT(result.tokens, ElementsAre('b', 'd', 'e', 'f')) << "goes on from the forced one";
    EXPECT_EQ(asked, 5) << "for the end token too";
  }
  request.force = [] { return kEos; };
  EXPECT_EQ(engine->generate(request).value().reason, FinishReason::kStop);
}

TEST_F(EngineTest, GoesOnAfterTheEndTokenIfAsked) {
  const auto engine = open();
  GenerateRequest request = from({'e'});
  request.ignore_eos = true;
  request.max_tokens = 3;
  GenerateResult result = engine->generate(request).value();
  EXPECT_EQ(result.text, "f!");  // the end token is there, but not seen
  EXPECT_EQ(result.reason, FinishReason::kLength);
  request.show_special = true;
  EXPECT_EQ(engine->generate(request).value().text, "f</s>!");
}

TEST_F(EngineTest, StopsAtAText) {
  const auto engine = open();
  GenerateRequest request = from({'a'});
  request.stop = {"de", "cx"};
  std::vector<std::string> pieces;
  const GenerateResult result = engine
                                    ->generate(request,
                                               [&](std::string_view piece) {
                                                 pieces.emplace_back(piece);
                                                 return true;
                                               })
                                    .value();
  EXPECT_EQ(result.text, "bc");
  EXPECT_EQ(result.reason, FinishReason::kStop);
  EXPECT_THAT(pieces, ElementsAre("b", "", "c", ""));
  request.stop = {"fgh"};
  EXPECT_EQ(engine->generate(request).value().text, "bcdef");  // what was held back comes at the end
}

TEST_F(EngineTest, StopsAtALength) {
  const auto engine = open({.context = 4});
  GenerateRequest request = from({'a'});
  request.max_tokens = 2;
  EXPECT_EQ(engine->generate(request).value().text, "bc");
  request.max_tokens = 100;
  const GenerateResult result = engine->generate(request).value();
  EXPECT_EQ(result.text, "bcd");
  EXPECT_EQ(result.reason, FinishReason::kLength);
  request.max_tokens = 0;
  EXPECT_EQ(engine->generate(request).value().text, "");
  request.prompt = {'a', 'a', 'a', 'a', 'a'};
  expect_error(engine->generate(request), ErrorCode::kTooLarge, "5 tokens", "holds 4");
}

TEST_F(EngineTest, StopsWhenTheReaderHasEnough) {
  const auto engine = open();
  const GenerateResult result =
      engine->generate(from({'a'}), [](std::string_view piece) { return piece != "c"; }).value();
  EXPECT_EQ(result.text, "bc");
  EXPECT_EQ(result.reason, FinishReason::kCancelled);
  EXPECT_THAT(result.tokens, ElementsAre('b', 'c'));
}

TEST_F(EngineTest, NeverCutsACharacter) {
  const auto engine = open();
  GenerateRequest request = from({'x'});
  request.max_tokens = 4;
  std::vector<std::string> pieces;
  const GenerateResult result = engine
                                    ->generate(request,
                                               [&](std::string_view piece) {
                                                 pieces.emplace_back(piece);
                                                 return true;
                                               })
                                    .value();
  EXPECT_EQ(result.text, "éx\ufffd");
  EXPECT_THAT(pieces, ElementsAre("", "é", "x", "", "\ufffd"));
}

TEST_F(EngineTest, ReadsThePromptInPieces) {
  const auto engine = open({.prefill_tokens = 3});
  int passes = 0;
  GenerateRequest request = from({'q', 'q', 'q', 'q', 'q', 'q', 'e'});
  request.max_tokens = 1;
  EXPECT_EQ(engine->generate(request, [&](std::string_view piece) { return ++passes, piece.empty() || piece == "f"; })
                .value()
                .text,
            "f");
  EXPECT_EQ(passes, 3);
  const GenerateResult cancelled = engine->generate(request, [](std::string_view) { return false; }).value();
  EXPECT_EQ(cancelled.reason, FinishReason::kCancelled);
  EXPECT_TRUE(cancelled.tokens.empty());
}

TEST_F(EngineTest, AnEmptyPromptStartsFromBos) {
  EXPECT_EQ(open()->generate(from({})).value().text, "abcdef");
  TokenizerData without = tiny_vocabulary();
  without.bos = -1;
  expect_error(open({}, without)->generate(from({})), ErrorCode::kUsage, "empty prompt", "BOS");
}

TEST_F(EngineTest, TheSeedDecides) {
  const auto engine = open();
  GenerateRequest request = from({'z'});  // nothing is known of what follows byte 0: every token is as likely
  request.sampling = {.temperature = 30, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 5};
  const std::vector<TokenId> first = engine->generate(request).value().tokens;
  EXPECT_EQ(engine->generate(request).value().tokens, first);
  request.sampling.seed = 6;
  EXPECT_NE(engine->generate(request).value().tokens, first);
}

TEST_F(EngineTest, GoesOnFromThePromptBefore) {
  const auto engine = open({.snapshot_bytes = 1 << 20});
  GenerateRequest request = from({'q', 'q', 'q', 'a'});
  EXPECT_EQ(engine->generate(request).value().reused_tokens, 0);
  GenerateResult result = engine->generate(request).value();
  EXPECT_EQ(result.reused_tokens, 3);
  EXPECT_EQ(result.text, "bcdef");
  request.prompt = {'q', 'q', 'q', 'a', 'b', 'c', 'd', 'b'};
  result = engine->generate(request).value();
  EXPECT_EQ(result.reused_tokens, 7);  // three of them the answer's
  EXPECT_EQ(result.text, "cdef");
  request.prompt = {'q', 'b'};
  EXPECT_EQ(engine->generate(request).value().reused_tokens, 1);
}

TEST_F(EngineTest, RefusesWhatMakesNoSense) {
  const auto engine = open();
  expect_error(engine->generate(from({264})), ErrorCode::kUsage, "264");
  expect_error(engine->generate(from({-1})), ErrorCode::kUsage, "-1");
  GenerateRequest request = from({'a'});
  request.stop = {"x", ""};
  expect_error(engine->generate(request), ErrorCode::kUsage, "empty stop");
  request = from({'a'});
  request.max_tokens = -1;
  expect_error(engine->generate(request), ErrorCode::kUsage, "-1");
  request = from({'a'});
  request.sampling.top_p = 2;
  expect_error(engine->generate(request), ErrorCode::kUsage, "top-p");

  const std::filesystem::path path = dir_ / "chain.gguf";
  expect_error(Engine::open(path, {.threads = -1}), ErrorCode::kUsage, "-1 threads");
  expect_error(Engine::open(path, {.threads = 100000}), ErrorCode::kUsage, "100000 threads");
  expect_error(Engine::open(path, {.kv_type = DType::kQ8_0}), ErrorCode::kUsage, "Q8_0");
  expect_error(Engine::open(path, {.state_type = DType::kF8E4M3}), ErrorCode::kUsage, "F8_E4M3");
  expect_error(Engine::open(path, {.context = 0}), ErrorCode::kUsage, "context");
  expect_error(Engine::open(path, {.prefill_tokens = 0}), ErrorCode::kUsage, "0 prompt tokens");
  expect_error(Engine::open(path, {.snapshot_bytes = -1}), ErrorCode::kUsage, "-1 bytes");
  expect_error(Engine::open(dir_ / "none.gguf"), ErrorCode::kNotFound, "none.gguf");
}

/// Weights are finite, but 16 (the norm of a unit vector of 264) times the largest is no float.
TEST_F(EngineTest, LogitsThatAreNoNumbersEndTheAnswer) {
  const Status written = write_chain_model(dir_ / "loud.gguf", kNext, tiny_vocabulary(), 264, 3e38f);
  ASSERT_TRUE(written.has_value()) << written.error().message();
  const auto engine = Engine::open(dir_ / "loud.gguf").value();
  for (const float temperature : {0.0f, 0.8f}) {
    GenerateRequest request = from({'a'});
    request.sampling.temperature = temperature;
    expect_error(engine->generate(request), ErrorCode::kCorrupt, "token 98 the logit inf");
  }
}

TEST_F(EngineTest, RefusesATokenizerLargerThanTheModel) {
  const Status written = write_chain_model(dir_ / "small.gguf", {}, tiny_vocabulary(), 100);
  ASSERT_TRUE(written.has_value()) << written.error().message();
  expect_error(Engine::open(dir_ / "small.gguf"), ErrorCode::kCorrupt, "264", "100");
}

TEST_F(EngineTest, FillsInTheThreads) {
  EXPECT_GE(open()->options().threads, 1);
  EXPECT_EQ(open({.threads = 3})->options().threads, 3);
}

}  // namespace
}  // namespace adder
