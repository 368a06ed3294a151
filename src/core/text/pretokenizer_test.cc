#include "core/text/pretokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adder {
namespace {

using testing::ElementsAre;

std::vector<std::string_view> split(std::string_view rule, std::string_view text) {
  auto pretokenizer = Pretokenizer::named(rule);
  if (!pretokenizer) {
    ADD_FAILURE() << pretokenizer.error().message();
    return {};
  }
  std::vector<std::string_view> pieces;
  pretokenizer->split(text, pieces);
  return pieces;
}

TEST(Pretokenizer, Gpt2) {
  EXPECT_THAT(split("gpt-2", "I'll  say it's 2023!\n\n"),
              ElementsAre("I", "'ll", " ", " say", " it", "'s", " 2023", "!", "\n\n"));
}

TEST(Pretokenizer, Tekken) {
  EXPECT_THAT(split("tekken", "fooBar's 123 a/\n/b"),
              ElementsAre("foo", "Bar", "'s", " ", "1", "2", "3", " a", "/\n/", "b"));
}

}  // namespace
}  // namespace adder
