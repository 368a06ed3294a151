#include "make/compress/layer_ranking.h"

#include <gmock/gmock.h>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "make/compress/models_for_test.h"
#include "make/compress/slice.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;

class LayerRankingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    test::write_model(dir_ / "m.gguf", config_, [&](const TensorSpec& spec) {
      std::vector<float> values = test::random_values(6)(spec);
      if (spec.layer == 4 && spec.role == Role::kDown) std::ranges::fill(values, 0.0f);
      return values;
    });
    engine_ = test::open_engine(dir_ / "m.gguf");
  }

  Result<LayerRanking> rank(int64_t count, bool attention = false) {
    return rank_layers(*engine_, windows_, {}, {.count = count, .attention = attention});
  }

  /// By the files themselves: the error of a model without these layers.
  double error_without(std::vector<int> dropped) {
    ChildShape child = whole(config_);
    std::ranges::sort(dropped);
    child.dropped_layers = dropped;
    const BoundModel parent = test::open_bound(dir_ / "m.gguf");
    const auto plan = plan_slice(parent, child, unchanged_order(config_), {}, Layout::kGguf, {}).value();
    EXPECT_TRUE(slice(parent, plan, dir_ / "child.gguf", "slice", {}));
    double error = 0, norm = 0;
    for (const Window& window : windows_) {
      const auto z = test::logits_of(dir_ / "m.gguf", window.tokens);
      const auto without = test::logits_of(dir_ / "child.gguf", window.tokens);
      for (size_t i = 0; i < z.size(); ++i) {
        error += std::pow(static_cast<double>(z[i]) - without[i], 2);
        norm += std::pow(static_cast<double>(z[i]), 2);
      }
    }
    return error / norm;
  }

  const ModelConfig config_ = test::small_config();  // M-M*-M
  const std::vector<Window> windows_ = {{test::some_tokens(40, 1), 0}, {test::some_tokens(70, 2), 0}};
  testing::TempDir dir_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(LayerRankingTest, ALayerThatAddsNothingIsTheFirstToGo) {
  const LayerRanking ranking = rank(1).value();
  EXPECT_THAT(ranking.drop_list, ElementsAre(4));
  EXPECT_THAT(ranking.errors, ElementsAre(0.0));
}

TEST_F(LayerRankingTest, EveryStepTakesTheLeastErrorWithTheOthersGone) {
  const LayerRanking ranking = rank(3, true).value();
  ASSERT_EQ(ranking.drop_list.size(), 3u);
  std::vector<int> gone;
  for (size_t step = 0; step < 3; ++step) {
    double least = 1e300;
    int layer = -1;
    for (int j = 0; j < 6; ++j) {
      if (std::ranges::count(gone, j) > 0) continue;
      std::vector<int> tried = gone;
      tried.push_back(j);
      if (const double error = error_without(tried); error < least) {
        least = error;
        layer = j;
      }
    }
    EXPECT_EQ(ranking.drop_list[step], layer) << step;
    EXPECT_NEAR(ranking.errors[step], least, 1e-12) << step;
    gone.push_back(ranking.drop_list[step]);
  }
}

TEST_F(LayerRankingTest, AttentionStaysUnlessAsked) {
  const std::vector<int> list = rank(5).value().drop_list;
  EXPECT_EQ(std::ranges::count(list, 3), 0);
  EXPECT_EQ(rankable_layers(config_, false), 5);
  EXPECT_EQ(rankable_layers(config_, true), 5);  // one layer stays
  expect_error(rank(6), ErrorCode::kUsage, "6 layers to rank", "has 5 that may go");
}

TEST_F(LayerRankingTest, ARunBrokenOffAnywhereGoesOnToTheSameNumbers) {
  const LayerRanking whole_run = rank(3).value();
  LayerRanking saved;
  int left = 0, breaks = 0;
  RankingOptions options{.count = 3};
  options.save = [&](const LayerRanking& ranking) -> Status {
    saved = ranking;
    return {};
  };
  options.progress = [&](double) -> Status {
    if (left-- > 0) return {};
    return Error::cancelled("killed");
  };
  for (;; ++breaks) {
    left = 6 + breaks;  // more than a window's candidates, so that each run gets on
    const auto run = rank_layers(*engine_, windows_, saved, options);
    if (!run) continue;
    EXPECT_EQ(*run, whole_run);
    break;
  }
  EXPECT_GT(breaks, 2);
}

TEST_F(LayerRankingTest, OtherCandidatesAreAnotherRanking) {
  LayerRanking begun = rank(1).value();
  expect_error(rank_layers(*engine_, windows_, begun, {.count = 2, .attention = true}), ErrorCode::kUsage,
               "begun without attention");
}

}  // namespace
}  // namespace adder
