#include "make/chart/text_table.h"

#include <gtest/gtest.h>

namespace adder {
namespace {

TEST(TextTable, AlignsByCharactersNotBytes) {
  const TextTable table{{"op", "±"}, {{"long name", "1"}, {"x", "±22"}}, true};
  EXPECT_EQ(table.plain(), "op           ±\nlong name    1\nx          ±22\n");
  EXPECT_EQ(table.markdown(), "| op | ± |\n| --- | ---: |\n| long name | 1 |\n| x | ±22 |\n");
  EXPECT_EQ((TextTable{{"a|b"}, {}}.markdown()), "| a\\|b |\n| ---: |\n");
  EXPECT_EQ((TextTable{{"<"}, {{"&"}}}.html()), "<table>\n<tr><th>&lt;</th></tr>\n<tr><td>&amp;</td></tr>\n</table>\n");
}

}  // namespace
}  // namespace adder
