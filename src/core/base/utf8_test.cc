#include "core/base/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace adder {
namespace {

using Kind = Utf8Piece::Kind;

struct Case {
  std::string_view text;
  Kind kind;
  size_t bytes;
};

// The bounds of RFC 3629, section 4, from both sides.
constexpr Case kCases[] = {
    {"a", Kind::kCodePoint, 1},
    {"\x7f", Kind::kCodePoint, 1},
    {"\x80", Kind::kBroken, 1},
    {"\xbf", Kind::kBroken, 1},
    {"\xc0\x80", Kind::kBroken, 1},
    {"\xc1\xbf", Kind::kBroken, 1},
    {"\xc2\x80", Kind::kCodePoint, 2},
    {"\xdf\xbf", Kind::kCodePoint, 2},
    {"\xdf\xc0", Kind::kBroken, 1},
    {"\xe0\x9f\xbf", Kind::kBroken, 1},
    {"\xe0\xa0\x80", Kind::kCodePoint, 3},
    {"\xed\x9f\xbf", Kind::kCodePoint, 3},
    {"\xed\xa0\x80", Kind::kBroken, 1},
    {"\xee\x80\x80", Kind::kCodePoint, 3},
    {"\xef\xbf\xbf", Kind::kCodePoint, 3},
    {"\xe2\x82", Kind::kTruncated, 2},
    {"\xe2\x82z", Kind::kBroken, 2},
    {"\xf0\x8f\xbf\xbf", Kind::kBroken, 1},
    {"\xf0\x90\x80\x80", Kind::kCodePoint, 4},
    {"\xf4\x8f\xbf\xbf", Kind::kCodePoint, 4},
    {"\xf4\x90\x80\x80", Kind::kBroken, 1},
    {"\xf5\x80\x80\x80", Kind::kBroken, 1},
    {"\xff", Kind::kBroken, 1},
    {"\xf0", Kind::kTruncated, 1},
    {"\xf0\x9f\x98", Kind::kTruncated, 3},
    {"\xf0\x9f\x98z", Kind::kBroken, 3},
};

TEST(Utf8, ReadsThePieceThatTextBeginsWith) {
  for (const Case& c : kCases) {
    const Utf8Piece piece = utf8_next(c.text);
    EXPECT_EQ(piece.kind, c.kind) << ::testing::PrintToString(c.text);
    EXPECT_EQ(piece.bytes, c.bytes) << ::testing::PrintToString(c.text);
  }
}

TEST(Utf8, FindsTheWellFormedPrefix) {
  const std::string good = "plain ascii, longer than a word; é 日本 🦙 end";
  EXPECT_EQ(utf8_valid_prefix(good), good.size());
  EXPECT_EQ(utf8_valid_prefix(good + "\xff" + good), good.size());
  EXPECT_EQ(utf8_valid_prefix(good + "\xe2\x82"), good.size());
  EXPECT_EQ(utf8_valid_prefix(""), 0u);
  for (size_t at = 0; at < 20; ++at) {
    std::string text(20, 'a');
    text[at] = '\x80';
    EXPECT_EQ(utf8_valid_prefix(text), at);
  }
}

TEST(IsUtf8, AcceptsTheEdgesOfEveryLength) {
  for (const char* text : {"", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
                           "a\xe6\x97\xa5"
                           "b"})
    EXPECT_TRUE(is_utf8(text)) << ::testing::PrintToString(text);
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
    EXPECT_FALSE(is_utf8(text)) << ::testing::PrintToString(text);
}

}  // namespace
}  // namespace adder
