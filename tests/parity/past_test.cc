#include "run/engine/past.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "core/base/rng.h"
#include "run/engine/logit_stream.h"
#include "tests/parity/random_model.h"

// A text read on from what an earlier one left behind gives the logits of a text read from its beginning.

namespace adder {
namespace {

constexpr ModelSketch kSketch{};

struct Reader {
  explicit Reader(const RandomModel& model) : forward(model.model(), pool), config(model.bound().config) {}

  /// The text's last logits and those of the tokens that follow, as Engine takes them.
  std::vector<float> read(Past& past, std::span<const TokenId> text, std::span<const TokenId> more, int64_t pass) {
    EXPECT_TRUE(past.begin(text));
    std::vector<float> out;
    const auto take = [&](std::span<const float> logits) { out.insert(out.end(), logits.begin(), logits.end()); };
    while (past.position() < static_cast<int64_t>(text.size())) {
      const auto rest = text.subspan(static_cast<size_t>(past.position()));
      const Segment segment{&past.sequence(), rest.first(std::min(rest.size(), static_cast<size_t>(pass)))};
      const auto logits = forward.run({&segment, 1}).value();
      EXPECT_TRUE(past.keep());
      if (past.position() == static_cast<int64_t>(text.size())) take(logits);
    }
    LogitStream stream(forward, past.sequence(), text, true);
    for (const TokenId token : more) {
      past.push(token);
      take(stream.next(token, 1000).value());
      if (past.position() % kChunk == 0) {
        EXPECT_TRUE(past.keep());
      }
    }
    return out;
  }
  Past past(int64_t bytes) const { return Past(Sequence(config, DType::kF16), bytes); }

  ThreadPool pool{2};
  Forward forward;
  ModelConfig config;
};

TEST(Past, AnyEditGivesTheLogitsOfAFreshStart) {
  const RandomModel model{kSketch, mix(DType::kQ4_K)};
  Reader reader(model);
  Rng rng(11);
  for (const int64_t budget : {int64_t{1}, int64_t{200'000}, int64_t{1} << 30}) {
    Past past = reader.past(budget);
    std::vector<TokenId> text = random_tokens(200, kSketch.vocab, 1);
    int64_t reused = 0;
    for (uint64_t round = 0; round < 12; ++round) {
      const std::vector<TokenId> more = random_tokens(static_cast<int64_t>(rng.below(90)), 3, round);  // repeats itself
      Past fresh = reader.past(0);
      const std::vector<float> want = reader.read(fresh, text, more, 300);
      const std::vector<float> got = reader.read(past, text, more, 1 + static_cast<int64_t>(rng.below(150)));
      ASSERT_EQ(got.size(), want.size());
      ASSERT_EQ(0, std::memcmp(got.data(), want.data(), want.size() * sizeof(float))) << "round " << round;

      // The next text: the same again, the answer gone on from, cut short, or changed somewhere and gone on.
      const uint64_t kind = rng.below(4);
      if (kind == 1) text.insert(text.end(), more.begin(), more.end());
      if (kind >= 2) text.resize(1 + rng.below(text.size()));
      if (kind == 3) {
        const auto tail = random_tokens(static_cast<int64_t>(rng.below(200)), kSketch.vocab, 1000 + round);
        text.insert(text.end(), tail.begin(), tail.end());
      }
      if (text.size() > 600) text.resize(600);
      ASSERT_TRUE(past.begin(text));
      reused += past.position();
    }
    EXPECT_GT(reused, 0);
  }
}

TEST(Past, ReadsOnlyWhatIsNew) {
  const RandomModel model{kSketch, mix(DType::kQ4_K)};
  Reader reader(model);
  Past past = reader.past(int64_t{1} << 30);
  const std::vector<TokenId> text = random_tokens(300, kSketch.vocab, 1);
  const auto reused = [&](std::span<const TokenId> prompt) {
    EXPECT_TRUE(past.begin(prompt));
    return past.position();
  };
  EXPECT_EQ(reused(text), 0);
  reader.read(past, text, {}, kChunk);
  EXPECT_EQ(reused(text), 299);  // its last token is read again, for the logits

  reader.read(past, text, {}, kChunk);
  EXPECT_EQ(reused(std::span(text).first(290)), 289);  // inside the last chunk, which begins at 256

  reader.read(past, text, {}, kChunk);
  std::vector<TokenId> edited = text;
  edited[200] = (edited[200] + 1) % kSketch.vocab;
  EXPECT_EQ(reused(edited), 192);  // the snapshot before it

  edited = text;
  edited[0] = (edited[0] + 1) % kSketch.vocab;
  EXPECT_EQ(reused(edited), 0);
  EXPECT_EQ(reused(edited), 0);
}

TEST(Past, WithoutABudgetEveryTextIsNew) {
  const RandomModel model{kSketch, mix(DType::kQ4_K)};
  Reader reader(model);
  Past past = reader.past(0);
  const std::vector<TokenId> text = random_tokens(100, kSketch.vocab, 1);
  reader.read(past, text, {}, kChunk);
  ASSERT_TRUE(past.begin(text));
  EXPECT_EQ(past.position(), 0);
}

}  // namespace
}  // namespace adder
