// Acceptance vectors of the published Nemotron 3 Nano 4B, for whoever has the file:
//   make check-official FILE=NVIDIA-Nemotron3-Nano-4B-Q4_K_M.gguf
// The figures are those of the model card, its recipe's verification card and the published file sizes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "core/arch/budget.h"
#include "run/engine/engine.h"

namespace adder {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::IsSupersetOf;

class Official : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const char* path = std::getenv("ADDER_OFFICIAL_FILE");
    if (path == nullptr || *path == '\0') return;
    auto opened = Engine::open(path);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    engine_ = std::move(*opened).release();
  }
  static void TearDownTestSuite() { delete engine_; }

  void SetUp() override {
    if (engine_ == nullptr) GTEST_SKIP() << "ADDER_OFFICIAL_FILE names no file";
  }

  static TokenId greedy_next(std::string_view prompt, bool bos) {
    const auto tokens = engine_->tokenizer().encode(prompt, {.add_bos = bos});
    Sequence sequence = engine_->new_sequence().value();
    const Segment segment{&sequence, tokens, Want::kLast};
    const auto logits = engine_->forward().run({&segment, 1});
    EXPECT_TRUE(logits.has_value()) << logits.error().message();
    if (!logits) return -1;
    return static_cast<TokenId>(std::ranges::max_element(*logits) - logits->begin());
  }

  static Engine* engine_;
};
Engine* Official::engine_ = nullptr;

TEST_F(Official, HasThePublishedShape) {
  const ModelConfig& config = engine_->model().config();
  EXPECT_EQ(parameter_count(config), 3'973'556'832);
  EXPECT_EQ(active_parameter_count(config), 3'562'515'040);
  EXPECT_EQ(config.pattern(), "M-M-M-MM-M-M*-M-M*-M-M-M*-M-M-MM*-MMM-M-M-");
  EXPECT_EQ(engine_->model().bound().tensors.size(), 263u);
}

TEST_F(Official, Q4KMHasThePublishedMixAndSize) {
  const ModelFile& file = *engine_->model().bound().file;
  std::map<DType, int> count;
  for (const auto& tensor : file.tensors()) ++count[tensor.view.dtype];
  if (count[DType::kQ4_K] == 0) GTEST_SKIP() << file.path() << " is not the Q4_K_M file";
  EXPECT_EQ(count,
            (std::map<DType, int>{
                {DType::kF32, 169}, {DType::kQ5_0, 49}, {DType::kQ8_0, 3}, {DType::kQ4_K, 33}, {DType::kQ6_K, 9}}));
  EXPECT_EQ(std::filesystem::file_size(file.path()), 2'837'072'864u);
}

TEST_F(Official, TokenizesLikeTekken) {
  EXPECT_THAT(engine_->tokenizer().encode("Hello, my name is", {.add_bos = false}),
              ElementsAre(22177, 1044, 2036, 2564, 1395));
}

TEST_F(Official, StopsOnTheUnionOfEndIds) {
  EXPECT_THAT(engine_->tokenizer().data().stop_ids, IsSupersetOf({2, 11}));
}

// The verification card does not say whether a BOS stands before the prompt; one of the two must give its answer.
TEST_F(Official, CapitalOfFrance) {
  const std::string_view prompt = "The capital of France is the city of";
  EXPECT_THAT((std::array{greedy_next(prompt, false), greedy_next(prompt, true)}), testing::Contains(6993));
}

}  // namespace
}  // namespace adder
