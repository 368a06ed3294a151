#include "apps/message_input.h"

#include <gtest/gtest.h>

#include <vector>

namespace adder {
namespace {

/// What is said in these lines, one after another, commands marked with "!".
std::vector<std::string> said(std::vector<std::string> lines) {
  size_t at = 0;
  const LineSource source = [&](const std::string&) -> std::optional<std::string> {
    if (at == lines.size()) return std::nullopt;
    return lines[at++];
  };
  std::vector<std::string> all;
  while (const auto one = next_said(source)) all.push_back((one->command ? "!" : "") + one->text);
  return all;
}

using Lines = std::vector<std::string>;

TEST(MessageInput, ALineIsAMessageOrACommand) {
  EXPECT_EQ(said({"hello ", "/help", " /not"}), (Lines{"hello", "!/help", " /not"}));
}

TEST(MessageInput, ABackslashJoinsTheNextLine) {
  EXPECT_EQ(said({"one\\", "two\\", "three", "four"}), (Lines{"one\ntwo\nthree", "four"}));
  EXPECT_EQ(said({"end\\"}), (Lines{"end"}));
  EXPECT_EQ(said({"/system be\\", "kind"}), (Lines{"!/system be\nkind"}));
}

TEST(MessageInput, QuotesHoldAnything) {
  EXPECT_EQ(said({"\"\"\"", "/a\\", "", "b", "\"\"\"", "c"}), (Lines{"/a\\\n\nb", "c"}));
  EXPECT_EQ(said({"\"\"\"one", "two\"\"\""}), (Lines{"one\ntwo"}));
  EXPECT_EQ(said({"\"\"\"one line\"\"\"", "x"}), (Lines{"one line", "x"}));
  EXPECT_EQ(said({"\"\"\"", "never closed"}), (Lines{"never closed"}));
}

}  // namespace
}  // namespace adder
