#include "core/formats/names.h"

#include <gtest/gtest.h>

namespace adder {
namespace {

TEST(IsUtf8, AcceptsTheEdgesOfEveryLength) {
  for (const char* text : {"", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
                           "a\xe6\x97\xa5"
                           "b"})
    EXPECT_TRUE(is_utf8(text)) << quote(text);
}

TEST(IsUtf8, RefusesWhatRfc3629DoesNotAllow) {
  for (const char* text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2", "\xe6\x97", "\xf0\x90\x80",
        "\xc2"
        "a",
        "\xe6\x97"
        "a",
        "\xf0\x90\x80"
        "a"})
    EXPECT_FALSE(is_utf8(text)) << quote(text);
}

TEST(Quote, ShowsAnyBytesOnOneLine) {
  EXPECT_EQ(quote("blk.0.ssm_a"), "'blk.0.ssm_a'");
  EXPECT_EQ(quote("a\nb\x1b\xff"), "'a\\x0ab\\x1b\\xff'");
  EXPECT_EQ(quote(std::string_view("\0", 1)), "'\\x00'");
}

TEST(Quote, CutsLongText) {
  EXPECT_EQ(quote(std::string(80, 'x')), "'" + std::string(80, 'x') + "'");
  EXPECT_EQ(quote(std::string(81, 'x')), "'" + std::string(80, 'x') + "...'");
}

}  // namespace
}  // namespace adder
