#include "run/generate/ngram.h"

#include <gmock/gmock.h>

#include <string>
#include <string_view>

#include "core/base/rng.h"

namespace adder {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

NgramIndex of(std::string_view text) {
  NgramIndex index;
  for (const char c : text) index.push(c);
  return index;
}

std::string proposal(std::string_view text, int64_t n) {
  std::string out;
  for (const int32_t token : of(text).propose(n).tokens) out += static_cast<char>(token);
  return out;
}

TEST(Ngram, GoesOnAsBefore) {
  EXPECT_EQ(proposal("the cat sat. the ca", 5), "t sat");
  EXPECT_EQ(of("the cat sat. the ca").propose(1).match, 6);
}

TEST(Ngram, KnowsNothingOfANewText) {
  for (const std::string_view text : {"", "a", "aa", "abcdef", "abcdefa"}) {
    EXPECT_EQ(of(text).propose(4).match, 0) << text;
    EXPECT_THAT(of(text).propose(4).tokens, IsEmpty()) << text;
  }
}

TEST(Ngram, TheLongestAgreementWinsThenTheNewest) {
  EXPECT_EQ(proposal("xabcP yabcQ zbcR xabc", 1), "P");
  EXPECT_EQ(proposal("abcP abcQ zbcR abc", 1), "Q");  // " abc" agrees in four
  EXPECT_EQ(proposal("-ab1-ab2-ab3,ab", 1), "3");
}

TEST(Ngram, ARepetitionRepeatsOn) {
  EXPECT_EQ(proposal("aaa", 5), "aaaaa");
  EXPECT_EQ(proposal("xyzxyzxy", 7), "zxyzxyz");
}

TEST(Ngram, IdsAreNotMixedUp) {
  NgramIndex index;
  index.push(std::vector<int32_t>{1, 0, 7, 0, 1});
  EXPECT_EQ(index.propose(1).match, 0);  // 1 0 is not 0 1
  index.push(std::vector<int32_t>{9, 100000, 5, 131071, 100000, 5});
  EXPECT_THAT(index.propose(2).tokens, ElementsAre(131071, 100000));
}

/// Against a search through the whole text, on texts of few words, where all agreements are short and frequent.
TEST(Ngram, FindsWhatASearchFinds) {
  Rng rng(3);
  for (int text = 0; text < 200; ++text) {
    std::vector<int32_t> tokens;
    NgramIndex index;
    for (int i = 0; i < 30; ++i) {
      tokens.push_back(static_cast<int32_t>(rng.below(5)));
      index.push(tokens.back());
    }
    const size_t n = tokens.size();
    size_t best = 0, after = 0;
    for (size_t end = n - 1; end-- > 0;) {
      size_t match = 0;
      while (match <= end && tokens[end - match] == tokens[n - 1 - match]) ++match;
      if (match >= 2 && match > best) best = match, after = end + 1;
    }
    const NgramIndex::Proposal found = index.propose(1);
    ASSERT_EQ(found.match, static_cast<int64_t>(best));
    if (best > 0) {
      ASSERT_EQ(found.tokens.at(0), tokens[after]);
    }
  }
}

}  // namespace
}  // namespace adder
