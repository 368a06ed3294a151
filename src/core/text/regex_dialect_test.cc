#include "core/text/regex_dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adder {
namespace {

using testing::HasSubstr;

TEST(RegexDialect, LeavesAloneWhatBothEnginesReadAlike) {
  for (const char* expression :
       {R"('s|'t| ?\p{L}+| ?[^\r\n]+|a{1,3}b?+c*)", R"((?i:'s)|(?:a)|(?=b)|(?!c)|(?<=d)|(?<!e)|(?>f))",
        R"([\p{Lu}\p{L&}a-z\-\]/]|\/|\.)", R"(日本[一-龥]&&)", R"([a^$(){}*?&])", "{"}) {
    const auto same = pcre2_from_oniguruma(expression);
    ASSERT_TRUE(same) << same.error().message();
    EXPECT_EQ(*same, expression);
  }
}

TEST(RegexDialect, RewritesWhatTheyReadDifferently) {
  const std::pair<const char*, const char*> cases[] = {
      {R"(\d\D)", R"(\p{Nd}\P{Nd})"},
      {R"(^a$)", R"((?m:^)a(?m:$))"},
      {R"([$^])", R"([$^])"},
      {R"(\p{Han})", R"(\p{sc:Han})"},
      {R"(\p{^Lu}\P{^Lu})", R"(\P{Lu}\p{Lu})"},
      {R"(\u4e00\x41\x{10FFFF})", R"(\x{4e00}\x{41}\x{10FFFF})"},
      {R"(\v)", R"(\x{b})"},
  };
  for (const auto& [published, expected] : cases) EXPECT_EQ(pcre2_from_oniguruma(published).value(), expected);
  const std::string space = pcre2_from_oniguruma(R"(\s)").value();
  EXPECT_THAT(space, HasSubstr(R"(\x{3000})"));
  EXPECT_EQ(space.find("180e"), std::string::npos);
  EXPECT_EQ(pcre2_from_oniguruma(R"([^\s])").value(), pcre2_from_oniguruma(R"(\S)").value());
}

TEST(RegexDialect, RefusesTheRestByName) {
  for (const char* expression :
       {R"(\w)",     R"(\b)",          R"(\h)",   R"(\R)",   R"(\K)",          R"(\1)",    R"([a[b]])",
        R"([a&&b])", R"([[:alpha:]])", "(*UTF)",  "(?R)",    "(?1)",           "(?P<a>b)", "(?<a>b)",
        "(?m:a)",    "a{,3}",          "a{2}+",   R"(\p{)",  R"(\pL)",         R"(\p{})",  R"(\p{L}x\p{a b})",
        R"(\x4)",    R"(\xff)",        R"(\u12)", R"(\x{})", R"(\x{1234567})", "[a",       "[]a]",
        "a\\"}) {
    const auto refused = pcre2_from_oniguruma(expression);
    ASSERT_FALSE(refused) << expression << " became " << *refused;
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
    EXPECT_THAT(refused.error().message(), HasSubstr("at byte"));
  }
}

TEST(RegexDialect, QuotesText) {
  EXPECT_EQ(quote_regex("a.b*[é]"), R"(a\.b\*\[é\])");
}

}  // namespace
}  // namespace adder
