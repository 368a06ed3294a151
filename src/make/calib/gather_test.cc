#include "make/calib/gather.h"

#include <gmock/gmock.h>

#include <cmath>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "run/engine/chain_model_for_test.h"
#include "run/engine/engine.h"

namespace adder {
namespace {

using testing::expect_error;

/// Its hidden state is a one-hot vector of 264, which the norm scales to length sqrt(264); the layer's product is zero.
class Gather : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_chain_model(dir_ / "chain.gguf", {{'a', 'b'}}, tiny_vocabulary()));
    auto engine = Engine::open(dir_ / "chain.gguf", {.threads = 1});
    ASSERT_TRUE(engine) << engine.error().message();
    engine_ = std::move(*engine);
  }
  testing::TempDir dir_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(Gather, SumsTheSquaresOfEveryColumn) {
  const std::vector<Window> windows = {{{kBos, 'a', 'b', 'a'}, 0}, {{kBos, 'a', 'c'}, 0}};
  const Calibration found = gather(*engine_, windows, {.datasets = {"a.txt"}, .window = 4}).value();
  EXPECT_EQ(found.imatrix.chunk_count, 2u);
  EXPECT_EQ(found.imatrix.chunk_size, 4u);
  EXPECT_THAT(found.imatrix.datasets, ::testing::ElementsAre("a.txt"));

  const double square = 1 / (1 / 264.0 + engine_->model().config().norm_eps);
  ASSERT_EQ(found.imatrix.entries.size(), 3u);
  for (const char* const name : {"blk.0.ffn_up.weight", "output.weight"}) {
    const Imatrix::Entry& entry = found.imatrix.entries.at(name);
    ASSERT_EQ(entry.sums.size(), 264u);
    EXPECT_THAT(entry.counts, ::testing::ElementsAre(7));
    EXPECT_NEAR(entry.sums['a'], 3 * square, 1e-3) << name;
    EXPECT_NEAR(entry.sums['c'], 1 * square, 1e-3) << name;
    EXPECT_NEAR(entry.sums[kBos], 2 * square, 1e-3) << name;
    EXPECT_EQ(entry.sums['z'], 0) << name;
  }
  EXPECT_THAT(found.imatrix.entries.at("blk.0.ffn_down.weight").sums, ::testing::Each(0.0f));
}

TEST_F(Gather, CountsZerosAloneAndInGroups) {
  const std::vector<Window> windows = {{{'a', 'b'}, 0}};
  const Calibration found = gather(*engine_, windows, {}).value();
  ASSERT_EQ(found.zeros.size(), 3u);
  for (const ZeroShares& zeros : found.zeros) {
    if (zeros.spec.role == Role::kDown) {
      EXPECT_EQ(zeros.elements, 2 * 32);
      EXPECT_EQ(zeros.share(), 1);
      EXPECT_EQ(zeros.share_in_32(), 1);
    } else {  // one of 264 is not zero; of the 8 whole blocks of 32, seven are zero
      EXPECT_DOUBLE_EQ(zeros.share(), 263.0 / 264);
      EXPECT_DOUBLE_EQ(zeros.share_in_4(), 260.0 / 264);
      EXPECT_DOUBLE_EQ(zeros.share_in_32(), 224.0 / 264);
    }
  }
}

/// Rows 'a' and BOS of a Gram matrix of one-hot inputs: as many hits as the diagonal says, and nothing beside it; the
/// columns of 264 make a square of 256 and one of 8.
TEST_F(Gather, MultipliesColumnsInSquares) {
  const std::vector<Window> windows = {{{kBos, 'a', 'b', 'a'}, 0}};
  const Calibration found = gather(*engine_, windows, {.gram_columns = 256, .threads = 2}).value();
  ASSERT_EQ(found.imatrix.grams.size(), 3u);
  const Gram& gram = found.imatrix.grams.at("output.weight");
  ASSERT_EQ(gram.block, 256);
  ASSERT_EQ(gram.width(), 264);
  const std::vector<float>& sums = found.imatrix.entries.at("output.weight").sums;
  for (size_t i = 0; i < 264; ++i)
    for (size_t k = 0; k < 256; ++k) {
      const size_t j = i - i % 256 + k;
      EXPECT_NEAR(gram.values[i * 256 + k], i == j ? sums[i] : 0, 1e-3) << i << ", " << j;
    }
  EXPECT_EQ(found.imatrix.grams.at("blk.0.ffn_down.weight").block, 32) << "all of its columns";
  EXPECT_TRUE(gather(*engine_, windows, {}).value().imatrix.grams.empty());
}

TEST_F(Gather, StopsWhenToldAndLeavesNoObserverBehind) {
  int calls = 0;
  const auto stop = [&](double done) -> Status {
    EXPECT_EQ(done, 0.5);
    ++calls;
    return Error::cancelled("enough");
  };
  const std::vector<Window> windows(2, Window{{'a', 'b'}, 0});
  expect_error(gather(*engine_, windows, {.progress = stop}), ErrorCode::kCancelled, "enough");
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(engine_->generate({.prompt = {'a'}, .max_tokens = 1}));
}

}  // namespace
}  // namespace adder
