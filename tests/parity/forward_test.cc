#include "run/model/forward.h"

#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <limits>

#include "core/arch/budget.h"
#include "tests/parity/random_model.h"

namespace adder {
namespace {

using testing::HasSubstr;

constexpr ModelSketch kSketch{.pattern = "M-*", .hidden = 64, .ffn = 96};

class ForwardTest : public testing::Test {
 protected:
  Sequence fresh() const { return Sequence(random_.bound().config, DType::kF16); }

  RandomModel random_{kSketch, mix(DType::kQ8_0)};
  ThreadPool pool_{2};
  const std::vector<TokenId> text_ = random_tokens(70, kSketch.vocab, 1);
};

TEST_F(ForwardTest, AnErrorAdvancesNothing) {
  Forward forward(random_.model(), pool_);
  Sequence a = fresh(), b = fresh();
  const std::vector<TokenId> above = {3, 151}, below = {-1};

  for (const std::vector<TokenId>& wrong : {above, below}) {
    const std::array<Segment, 2> batch = {Segment{&a, text_}, Segment{&b, wrong}};
    const Error error = forward.run(batch).error();
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_THAT(error.message(), HasSubstr(std::to_string(wrong.back())));
    EXPECT_THAT(error.message(), HasSubstr("151"));
  }
  const std::array<Segment, 2> empty = {Segment{&a, text_}, Segment{&b, {}}};
  EXPECT_EQ(forward.run(empty).error().code(), ErrorCode::kUsage);
  const std::array<Segment, 2> twice = {Segment{&a, text_}, Segment{&a, text_}};
  EXPECT_EQ(forward.run(twice).error().code(), ErrorCode::kUsage);
  EXPECT_EQ(a.position(), 0);
  EXPECT_EQ(a.bytes().total(), 0);

  EXPECT_TRUE(forward.run({}).value().empty());
}

TEST_F(ForwardTest, HoldsTheBudgetedState) {
  Forward forward(random_.model(), pool_);
  Sequence sequence = fresh();
  const Segment segment{&sequence, text_};
  EXPECT_EQ(forward.run({&segment, 1}).value().size(), static_cast<size_t>(kSketch.vocab));
  EXPECT_EQ(sequence.position(), 70);
  const StateBytes budget = state_bytes(random_.bound().config, DType::kF16);
  EXPECT_EQ(sequence.bytes().conv, budget.conv);
  EXPECT_EQ(sequence.bytes().ssm, budget.ssm);
  EXPECT_EQ(sequence.bytes().kv, 2 * kKeyBlock * budget.kv_per_token);
}

TEST_F(ForwardTest, ABadScaleIsFoundAndItsTensorNamed) {
  const uint16_t nan = 0x7e01;
  std::memcpy(random_.bytes(Role::kUp, 1) + 2 * 34 * 5, &nan, 2);  // row 5: two blocks of 34 bytes, scale first
  std::memcpy(random_.bytes(Role::kUp, 1) + 2 * 34 * 60, &nan, 2);
  for (const int threads : {1, 2}) {
    ThreadPool pool(threads);
    const auto model = Model::from_bound(random_.bound(), pool);
    ASSERT_FALSE(model.has_value());
    EXPECT_EQ(model.error().code(), ErrorCode::kCorrupt);
    EXPECT_THAT(model.error().message(), HasSubstr("blk.1.ffn_up.weight"));
    EXPECT_THAT(model.error().message(), HasSubstr("row 5"));
  }
}

TEST_F(ForwardTest, ABadEmbeddingRowHurtsOnlyWhoUsesIt) {
  const uint16_t infinity = 0x7c00;
  std::memcpy(random_.bytes(Role::kEmbedding) + 2 * 34 * 9, &infinity, 2);
  Forward forward(random_.model(), pool_);
  Sequence sequence = fresh();
  const std::vector<TokenId> good = {8, 10}, bad = {8, 9};
  const Segment uses{&sequence, bad}, avoids{&sequence, good};
  const Error error = forward.run({&uses, 1}).error();
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_THAT(error.message(), HasSubstr("token_embd.weight: NaN or Inf in row 9"));
  EXPECT_EQ(sequence.position(), 0);
  EXPECT_TRUE(forward.run({&avoids, 1}).has_value());
}

TEST_F(ForwardTest, ABadVectorIsFoundWhenTheModelIsMade) {
  const float infinity = std::numeric_limits<float>::infinity();
  std::memcpy(random_.bytes(Role::kDtBias, 0), &infinity, sizeof infinity);
  const auto model = Model::from_bound(random_.bound(), pool_);
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(model.error().message(), HasSubstr("blk.0.ssm_dt.bias"));
}

}  // namespace
}  // namespace adder
