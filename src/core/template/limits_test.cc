#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/template/template.h"

namespace adder {
namespace {

using testing::HasSubstr;

/// Expects the error kTooLarge, which names the line and says `part`.
void expect_too_large(const std::string& source, std::string_view part, const TemplateLimits& limits = {}) {
  const auto parsed = Template::parse(source);
  const auto rendered =
      parsed ? parsed->render({.quoted = {{"t", "text"}}}, limits) : Result<RenderedTemplate>(parsed.error());
  ASSERT_FALSE(rendered) << source.substr(0, 200);
  EXPECT_EQ(rendered.error().code(), ErrorCode::kTooLarge) << rendered.error().message();
  EXPECT_THAT(rendered.error().message(), HasSubstr("line 1"));
  EXPECT_THAT(rendered.error().message(), HasSubstr(part)) << source.substr(0, 200);
}

constexpr std::string_view kWork = "units of work";
constexpr TemplateLimits kSmall = {.work = 1 << 22, .output_bytes = 1 << 15};

std::string repeated(std::string_view part, int n) {
  std::string all;
  for (int i = 0; i < n; ++i) all += part;
  return all;
}

TEST(TemplateLimits, LoopsEnd) {
  expect_too_large("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", kWork, kSmall);
  expect_too_large("{{ range(100001) }}", "a range of 100001");
  expect_too_large("{{ range(-9223372036854775807, 9223372036854775807) }}", "a range of 18446744073709551614");
}

TEST(TemplateLimits, MacrosThatCallThemselvesEnd) {
  expect_too_large("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "levels deep");
  expect_too_large("{% macro m(n) %}{{ m(n) ~ m(n) }}{% endmacro %}{{ m(1) }}", "levels deep");
  expect_too_large(
      "{% macro m() %}{{ caller() }}{% endmacro %}{% macro r() %}{% call m() %}{{ r() }}{% endcall %}{% endmacro %}{{ "
      "r() }}",
      "levels deep");
}

TEST(TemplateLimits, TextThatMultipliesEnds) {
  expect_too_large("{% set ns = namespace(t=t) %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
                   kWork, kSmall);
  expect_too_large("{{ t * 9223372036854775807 }}", "copies");
  expect_too_large("{{ t * 1000000000 }}", kWork);
  expect_too_large("{{ [t] * 1000000000 }}", kWork);
  expect_too_large("{{ t | indent(9223372036854775807, true) }}", kWork);
  expect_too_large("{{ t" + repeated("|replace('', t * 1000)", 6) + " }}", kWork, kSmall);
  expect_too_large("{% for i in range(100) %}" + std::string(1000, 'x') + "{% endfor %}", "bytes of output", kSmall);
  expect_too_large("{% set x %}{% for i in range(100) %}" + std::string(1000, 'x') + "{% endfor %}{% endset %}",
                   "bytes of output", kSmall);
}

TEST(TemplateLimits, ValuesThatMultiplyEnd) {
  const std::string doubled =
      "{% set ns = namespace(l=[t]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}";
  expect_too_large(doubled + "{{ ns.l }}", kWork, kSmall);
  expect_too_large(doubled + "{{ ns.l | tojson }}", kWork, kSmall);
  const std::string twin =
      "{% set ms = namespace(l=[t]) %}{% for i in range(60) %}{% set ms.l = [ms.l, ms.l] %}{% endfor %}";
  expect_too_large(doubled + twin + "{{ ns.l == ms.l }}", kWork, kSmall);
  expect_too_large("{% set ns = namespace(l=[]) %}{% for i in range(101) %}{% set ns.l = [ns.l] %}{% endfor %}",
                   "nested more than 100");
}

TEST(TemplateLimits, DeepSourceIsRefused) {
  expect_too_large("{{ " + std::string(5000, '(') + "1" + std::string(5000, ')') + " }}", "levels deep");
  expect_too_large("{{ " + std::string(5000, '[') + std::string(5000, ']') + " }}", "levels deep");
  expect_too_large("{{ 1" + repeated(" + 1", 5000) + " }}", "levels deep");
  expect_too_large("{{ t" + repeated(".a", 5000) + " }}", "levels deep");
  expect_too_large("{{ t" + repeated("|trim", 5000) + " }}", "levels deep");
  expect_too_large("{{ " + repeated("not ", 5000) + "t }}", "levels deep");
  expect_too_large("{{ " + repeated("- ", 5000) + "1 }}", "levels deep");
  expect_too_large("{{ t" + repeated(" if t else t", 5000) + " }}", "levels deep");
  expect_too_large("{{ t" + repeated(" or t", 5000) + " }}", "levels deep");
  expect_too_large(repeated("{% if t %}", 5000), "levels deep");
  expect_too_large(repeated("{% for x in t %}", 5000), "levels deep");
}

TEST(TemplateLimits, LongConversationsFit) {
  auto messages = nlohmann::ordered_json::array();
  for (int i = 0; i < 5000; ++i)
    messages.push_back({{"role", i % 2 ? "assistant" : "user"}, {"content", repeated("word ", 200)}});
  const auto parsed = Template::parse(
      "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content | trim + '<|im_end|>\n' }}{% endfor %}");
  const auto rendered = parsed->render({.quoted = {{"messages", messages}}});
  ASSERT_TRUE(rendered) << rendered.error().message();
  EXPECT_EQ(rendered->text.size(), 2500 * (12 + 4 + 1 + 999 + 11) + 2500 * (12 + 9 + 1 + 999 + 11));
}

}  // namespace
}  // namespace adder
