#include "make/compress/width_scores.h"

#include <gmock/gmock.h>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "make/compress/models_for_test.h"

namespace adder {
namespace {

using testing::expect_error;

/// A model whose residual stream is the one-hot vector of the token throughout, as no layer adds anything: a norm gives
/// `height` times it, and the product with a matrix `height` times a column. So every score is arithmetic by hand.
class WidthScores : public ::testing::Test {
 protected:
  static constexpr int64_t kVocab = 264;

  WidthScores() {
    config_.hidden_size = kVocab;
    height_ = 1 / std::sqrt(1.0 / kVocab + config_.norm_eps);
  }

  void SetUp() override {
    test::write_model(dir_ / "m.gguf", config_, [&](const TensorSpec& spec) { return values(spec); });
    engine_ = test::open_engine(dir_ / "m.gguf");
  }

  std::vector<float> values(const TensorSpec& spec) const {
    std::vector<float> of(static_cast<size_t>(spec.shape.elements()), spec.is_matrix ? 0.0f : 1.0f);
    const auto width = static_cast<size_t>(spec.shape.row_length());
    if (spec.role == Role::kEmbedding)
      for (size_t i = 0; i < kVocab; ++i) of[i * width + i] = 1;
    if (spec.role == Role::kA) std::ranges::fill(of, -1.0f);
    if (spec.role == Role::kSsmIn || spec.role == Role::kUp || spec.role == Role::kV)
      for (size_t i = 0; i < of.size(); ++i) of[i] = weight(i / width, i % width);
    return of;
  }
  /// Of row r at the column of a token: negative for some, zero for none.
  static float weight(size_t row, size_t token) {
    return static_cast<float>((row * 7 + token * 3) % 11 + 1) / 8 * (row % 2 == 0 ? 1.0f : -1.0f);
  }

  Scores gather(FfnReading reading = FfnReading::kAfterActivation) {
    return gather_width_scores(*engine_, windows_, {.ffn_reading = reading}).value();
  }

  /// Root over windows of the squared mean over tokens of f(row, token).
  template <class F>
  double expected(size_t row, const F& f) const {
    double squares = 0;
    for (const Window& window : windows_) {
      double sum = 0;
      for (const TokenId token : window.tokens) sum += std::abs(f(row, static_cast<size_t>(token)));
      squares += std::pow(sum / static_cast<double>(window.tokens.size()), 2);
    }
    return std::sqrt(squares);
  }

  ModelConfig config_ = test::small_config("M-*");
  double height_ = 0;
  const std::vector<Window> windows_ = {{{'a', 'b', 'a', 'c'}, 0}, {{'b', 'd'}, 0}};
  testing::TempDir dir_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(WidthScores, ResidualChannelsAreSummedOverAllNorms) {
  const Scores scores = gather();
  // 'a' is half of the first window, 'b' a quarter of it and half of the second; three layers and the final norm.
  EXPECT_NEAR(scores.hidden['a'], 4 * height_ * 0.5, 1e-4);
  EXPECT_NEAR(scores.hidden['b'], 4 * height_ * std::sqrt(0.25 * 0.25 + 0.5 * 0.5), 1e-4);
  EXPECT_EQ(scores.hidden['z'], 0);
  EXPECT_EQ(scores.windows, 2);
}

TEST_F(WidthScores, NeuronsAreReadBeforeOrAfterTheirActivation) {
  const std::vector<double> after = gather().layers[1].ffn;
  const std::vector<double> before = gather(FfnReading::kBeforeActivation).layers[1].ffn;
  ASSERT_EQ(after.size(), 96u);
  ASSERT_EQ(before.size(), 96u);
  for (size_t row = 0; row < 96; ++row) {
    const auto inner = [&](size_t r, size_t token) { return height_ * weight(r, token); };
    EXPECT_NEAR(before[row], expected(row, inner), 1e-4 * before[row]) << row;
    const auto squared = [&](size_t r, size_t token) { return std::pow(std::max(0.0, inner(r, token)), 2); };
    EXPECT_NEAR(after[row], expected(row, squared), 1e-4 * (1 + after[row])) << row;
  }
}

TEST_F(WidthScores, HeadsAndChannelsReadTheRowsOfX) {
  const std::vector<double> s = gather().layers[0].mamba;
  ASSERT_EQ(s.size(), 64u);
  for (size_t i = 0; i < s.size(); ++i)  // rows behind those of z
    EXPECT_NEAR(s[i], expected(64 + i, [&](size_t r, size_t token) { return height_ * weight(r, token); }), 1e-3) << i;
}

/// q and k are zero, so a position sees the mean of all v so far; with one token a window, v itself.
TEST_F(WidthScores, AttentionHeadsAreTheLengthOfWhatTheyGive) {
  const std::vector<Window> windows = {{{'a'}, 0}, {{'b'}, 0}};
  const std::vector<double> heads = gather_width_scores(*engine_, windows).value().layers[2].attention;
  ASSERT_EQ(heads.size(), 8u);
  for (size_t head = 0; head < 8; ++head) {
    double sum = 0;
    for (const size_t token : {'a', 'b'}) {
      double squares = 0;
      for (size_t d = 0; d < 16; ++d) squares += std::pow(height_ * weight(head / 4 * 16 + d, token), 2);
      sum += std::sqrt(squares);
    }
    EXPECT_NEAR(heads[head], sum, 1e-3) << head;
  }
}

TEST_F(WidthScores, ALayerThatAddsNothingHasNoInfluence) {
  for (const LayerScores& layer : gather().layers) EXPECT_NEAR(layer.influence, 0, 1e-12);
}

TEST_F(WidthScores, StopsWhenToldAndLeavesNoObserverBehind) {
  const auto stop = [](double done) -> Status {
    EXPECT_EQ(done, 0.5);
    return Error::cancelled("enough");
  };
  expect_error(gather_width_scores(*engine_, windows_, {.progress = stop}), ErrorCode::kCancelled, "enough");
  EXPECT_TRUE(engine_->generate({.prompt = {'a'}, .max_tokens = 1}));
}

}  // namespace
}  // namespace adder
