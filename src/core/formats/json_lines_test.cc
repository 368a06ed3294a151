#include "core/formats/json_lines.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "core/base/testing/expect_error.h"

namespace adder {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  EXPECT_TRUE(for_each_json_line(text, "a.jsonl", [&](std::string_view line) -> Status {
    lines.emplace_back(line);
    return {};
  }));
  return lines;
}

TEST(JsonLines, AreAllButTheBlankOnes) {
  EXPECT_THAT(lines_of("{}\n\n[1]\n \t\r\n2"), ::testing::ElementsAre("{}", "[1]", "2"));
  EXPECT_THAT(lines_of(""), ::testing::IsEmpty());
  EXPECT_THAT(lines_of("\n"), ::testing::IsEmpty());
}

TEST(JsonLines, EndWithTheFirstThatFailsAndSayWhichItWas) {
  int seen = 0;
  const Status status = for_each_json_line("1\n\n2\n3\n", "a.jsonl", [&](std::string_view line) -> Status {
    ++seen;
    if (line == "2") return Error::corrupt("is even");
    return {};
  });
  testing::expect_error(status, ErrorCode::kCorrupt, "a.jsonl:3", "is even");
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace adder
