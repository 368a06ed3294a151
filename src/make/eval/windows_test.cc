#include "make/eval/windows.h"

#include <gmock/gmock.h>

#include <numeric>

namespace adder {
namespace {

using ::testing::ElementsAre;

std::vector<TokenId> text_of(int n) {
  std::vector<TokenId> text(static_cast<size_t>(n));
  std::iota(text.begin(), text.end(), 100);
  return text;
}

TEST(SecondHalf, ReplacesTheFirstTokenAndDropsTheRest) {
  const auto windows = cut_windows(text_of(21), 8, Windowing::kSecondHalf, 1);
  ASSERT_EQ(2u, windows.size());
  EXPECT_THAT(windows[0].tokens, ElementsAre(1, 101, 102, 103, 104, 105, 106, 107));
  EXPECT_THAT(windows[1].tokens, ElementsAre(1, 109, 110, 111, 112, 113, 114, 115));
  EXPECT_EQ(4, windows[0].first_scored);  // positions 4, 5, 6 predict 105, 106, 107
  EXPECT_EQ(3, windows[0].scored());
  EXPECT_EQ(100, cut_windows(text_of(8), 8, Windowing::kSecondHalf, -1)[0].tokens[0]);
  EXPECT_TRUE(cut_windows(text_of(7), 8, Windowing::kSecondHalf, 1).empty());
}

TEST(EveryToken, WindowsOverlapByHalf) {
  const auto windows = cut_windows(text_of(13), 8, Windowing::kEveryToken, 1);
  ASSERT_EQ(3u, windows.size());
  EXPECT_THAT(windows[0].tokens, ElementsAre(1, 100, 101, 102, 103, 104, 105, 106));
  EXPECT_EQ(0, windows[0].first_scored);
  EXPECT_THAT(windows[1].tokens, ElementsAre(1, 104, 105, 106, 107, 108, 109, 110));
  EXPECT_EQ(3, windows[1].first_scored);  // position 3 holds 106 and predicts 107
  EXPECT_THAT(windows[2].tokens, ElementsAre(1, 106, 107, 108, 109, 110, 111, 112));
}

/// Whatever the sizes, each token is predicted once, in order, from at least half a window (but for the start).
TEST(EveryToken, CountsEachTokenOnce) {
  for (const TokenId bos : {1, -1})
    for (const int context : {4, 5, 8, 9, 32})
      for (int n = 0; n < 70; ++n) {
        std::vector<TokenId> counted;
        for (const Window& window : cut_windows(text_of(n), context, Windowing::kEveryToken, bos)) {
          ASSERT_LE(window.tokens.size(), static_cast<size_t>(context));
          ASSERT_GT(window.scored(), 0);
          ASSERT_TRUE(counted.empty() || window.first_scored + 1 >= context / 2);
          for (size_t i = static_cast<size_t>(window.first_scored) + 1; i < window.tokens.size(); ++i)
            counted.push_back(window.tokens[i]);
        }
        auto expected = text_of(n);
        if (bos < 0 && n > 0) expected.erase(expected.begin());
        ASSERT_EQ(expected, counted) << "context " << context << " tokens " << n << " bos " << bos;
      }
}

}  // namespace
}  // namespace adder
