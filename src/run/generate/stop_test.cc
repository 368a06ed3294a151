#include "run/generate/stop.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"

namespace adder {
namespace {

TEST(Stop, HoldsBackWhatCouldBecomeAStop) {
  StopMatcher stop({"END", "</s>"});
  EXPECT_EQ(stop.push("the E"), "the ");
  EXPECT_EQ(stop.push("N"), "");
  EXPECT_EQ(stop.push("d </"), "ENd ");
  EXPECT_EQ(stop.push("s> more"), "");
  EXPECT_TRUE(stop.stopped());
  EXPECT_EQ(stop.push("more"), "");
  EXPECT_EQ(stop.finish(), "");
}

TEST(Stop, GivesTheTailAtTheEnd) {
  StopMatcher stop({"END"});
  EXPECT_EQ(stop.push("in the EN"), "in the ");
  EXPECT_FALSE(stop.stopped());
  EXPECT_EQ(stop.finish(), "EN");
  EXPECT_EQ(stop.finish(), "");
}

TEST(Stop, FindsAStopThatStartsInsideAFalseOne) {
  StopMatcher stop({"aab"});
  EXPECT_EQ(stop.push("a"), "");
  EXPECT_EQ(stop.push("a"), "");
  EXPECT_EQ(stop.push("a"), "a");
  EXPECT_EQ(stop.push("b"), "");
  EXPECT_TRUE(stop.stopped());
}

TEST(Stop, TheFirstToBeCompleteWins) {
  StopMatcher whole({"abcd", "c"});
  EXPECT_EQ(whole.push("xabcd"), "xab");
  StopMatcher both({"bc", "abc"});
  EXPECT_EQ(both.push("xabc"), "x");
}

TEST(Stop, WithoutStopsEverythingPasses) {
  StopMatcher stop({});
  EXPECT_EQ(stop.push("any"), "any");
  EXPECT_EQ(stop.finish(), "");
}

/// Position where the text is cut: over all ends in order, the first at which a stop text ends, longest first.
std::string brute_force(const std::string& text, const std::vector<std::string>& stops) {
  for (size_t end = 1; end <= text.size(); ++end)
    for (size_t begin = 0; begin < end; ++begin)
      for (const std::string& stop : stops)
        if (text.substr(begin, end - begin) == stop) return text.substr(0, begin);
  return text;
}

TEST(Stop, TheCutOfTheStreamDoesNotMatter) {
  Rng rng(3);
  const auto letters = [&](uint64_t longest) {
    std::string s;
    for (uint64_t n = 1 + rng.below(longest); n > 0; --n) s += static_cast<char>('a' + rng.below(2));
    return s;
  };
  int stopped = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::vector<std::string> stops = {letters(6), letters(8)};
    const std::string text = letters(30);
    StopMatcher stop(stops);
    std::string out;
    for (size_t from = 0; from < text.size();) {
      const size_t n = 1 + rng.below(4);
      out += stop.push(std::string_view(text).substr(from, n));
      from += n;
    }
    out += stop.finish();
    ASSERT_EQ(out, brute_force(text, stops)) << text << " with " << stops[0] << " and " << stops[1];
    stopped += stop.stopped();
  }
  EXPECT_GT(stopped, 200);
  EXPECT_LT(stopped, 1900);
}

}  // namespace
}  // namespace adder
