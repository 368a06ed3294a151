#include "core/template/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adder {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Json = nlohmann::ordered_json;

TemplateInput some_values() {
  return {.quoted = Json::parse(R"({"t": "aXbX", "u": "naïve", "l": [3, 1, 2], "d": {"b": 1, "a": [true, null]},
                                    "rows": [{"k": "x", "v": 1}, {"k": "y", "v": 2}]})"),
          .trusted = {{"n", 7}}};
}

std::string render(std::string_view source, const TemplateInput& input = some_values()) {
  const auto parsed = Template::parse(source);
  if (!parsed) return "parse: " + parsed.error().message();
  const auto rendered = parsed->render(input);
  return rendered ? rendered->text : "render: " + rendered.error().message();
}

struct Case {
  std::string_view source, expected;
};

void expect_all(std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(render(c.source), c.expected) << c.source;
}

TEST(Template, ExpressionsBindAsInJinja) {
  expect_all(
      {{"{{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ 7 // 2 }} {{ 7 / 2 }} {{ -7 % 3 }} {{ 2 ** 3 }}", "7 9 3 3.5 2 8"},
       {"{{ 1 ~ 2 * 3 }} {{ 'a' ~ none ~ true ~ nothing }}", "16 aNoneTrue"},
       {"{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ not 1 == 2 }} {{ 'a' in t and 9 not in l }}", "True False True True"},
       {"{{ 'x' if n > 9 else 'y' if n > 5 else 'z' }}{{ 'gone' if false }}", "y"},
       {"{{ nothing or n }} {{ n and t }} {{ 'a' 'b' }}", "7 aXbX ab"},
       {"{{ l[0] }}{{ l[-1] }}{{ l[7] }} {{ l[1:] }} {{ l[::-1] }} {{ u[2] }}{{ u[-2:] }}", "32 [1, 2] [2, 1, 3] ïve"},
       {"{{ {'a': {'b': 1}}.a.b }} {{ d['b'] }} {{ rows.1.k }}", "1 1 y"}});
}

TEST(Template, ValuesPrintAsInPython) {
  expect_all({{"{{ [1, 1.0, true, none, 'it\\'s', {'k': 'v'}] }}", "[1, 1.0, True, None, \"it's\", {'k': 'v'}]"},
              {"{{ d | tojson }} {{ u | tojson }}", R"({"b": 1, "a": [true, null]} "naïve")"},
              {"{{ d | tojson(indent=1) }}", "{\n \"b\": 1,\n \"a\": [\n  true,\n  null\n ]\n}"},
              {"{{ u | tojson(ensure_ascii=true) }} {{ '\"\\\\\\n\\x01' | tojson }}", R"("na\u00efve" "\"\\\n\u0001")"},
              {"{{ 1e16 }} {{ 1e15 }} {{ 0.1 }} {{ 1e-5 }}", "1e+16 1000000000000000.0 0.1 1e-05"}});
}

TEST(Template, StatementsScopeAsInJinja) {
  expect_all(
      {{"{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "4231"},
       {"{% if n %}{% set x = 5 %}{% endif %}{{ x }}", "5"},
       {"{% set ns = namespace(s=0) %}{% for i in l %}{% set ns.s = ns.s + i %}{% endfor %}{{ ns.s }}", "6"},
       {"{% for k, v in d.items() %}{{ k }}{{ loop.index }}{{ loop.last }} {% endfor %}", "b1False a2True "},
       {"{% for i in l if i > 1 %}{{ loop.length }}{{ i }}{% else %}-{% endfor %}{% for i in [] %}{% else %}-{% endfor "
        "%}",
        "2322-"},
       {"{% for i in range(9) %}{% if i == 2 %}{% continue %}{% elif i == 4 %}{% break %}{% endif %}{{ i }}{% endfor "
        "%}",
        "013"},
       {"{% macro m(a, b=2) %}<{{ a }}{{ b }}>{% endmacro %}{{ m(1) }}{{ m(b=3, a=4) }}{{ m() }}", "<12><43><2>"},
       {"{% macro m() %}[{{ caller('x') }}]{% endmacro %}{% call(a) m() %}{{ a }}{{ n }}{% endcall %}", "[x7]"},
       {"{% set b %}<{{ n }}>{% endset %}{{ b * 2 }}{% filter upper %}a{{ n }}{% endfilter %}", "<7><7>A7"},
       {"{% set a = 2 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}{% generation %}g{% endgeneration %}",
        "122g"}});
}

TEST(Template, WhiteSpaceIsTrimmedAsHuggingFaceSetsIt) {
  expect_all({{"a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a\n  b\nc"},
              {"  {{ 1 }}\n  {# c #}\n x", "  1\n x"},
              {"a {%- if true %} b {% endif -%} \n c", "a b c"},
              {"\n   {%+ if true +%}\nb{% endif %}\n", "\n   \nb"},
              {"x {{- 1 -}} \n y", "x1y"},
              {"{% raw %}{{ x }}{% endraw %}\n.", "{{ x }}."},
              {"a\r\nb\r", "a\nb"}});
}

TEST(Template, FiltersTestsAndMethods) {
  expect_all(
      {{"{{ ' a ' | trim }}{{ t | replace('X', '-') }} {{ u | length }} {{ l | sort | join(',') }} {{ l | max }}",
        "aa-b- 5 1,2,3 3"},
       {"{{ rows | selectattr('v', 'gt', 1) | map(attribute='k') | list }} {{ rows | rejectattr('v', '==', 1) | first "
        "}}",
        "['y'] {'k': 'y', 'v': 2}"},
       {"{{ nothing | default('x') }}{{ '' | default('y', true) }}{{ none | d('z') }}", "xyNone"},
       {"{{ 'a\nb' | indent(2) }} {{ 'ab cd' | title }} {{ '3' | int + 1 }} {{ d | items | list }}",
        "a\n  b Ab Cd 4 [['b', 1], ['a', [True, None]]]"},
       {"{{ t.split('X') }} {{ ' a  b '.split() }} {{ t.rsplit('X', 1) }} {{ '--a-'.strip('-') }}",
        "['a', 'b', ''] ['a', 'b'] ['aXb', ''] a"},
       {"{{ t.startswith('a') }} {{ d.get('z', 9) }} {{ d.keys() | list }} {{ t.find('b') }} {{ t.replace('X', '', 1) "
        "}}",
        "True 9 ['b', 'a'] 2 abX"},
       {"{{ n is defined }} {{ z is defined }} {{ none is none }} {{ d is mapping }} {{ t is string }} {{ n is odd }}",
        "True False True True True True"},
       {"{{ true is number }} {{ l is iterable }} {{ n is not in [7] }} {{ n is divisibleby(7) }}",
        "True True False True"}});
}

TEST(Template, TheCallerStatesTheTime) {
  TemplateInput input;
  input.now = {.tm_mday = 9, .tm_mon = 1, .tm_year = 125};
  EXPECT_EQ(render("{{ strftime_now('%d %b %Y') }}", input), "09 Feb 2025");
}

TEST(Template, ErrorsNameTheLine) {
  const std::initializer_list<Case> cases = {
      {"a\n{{ nothing.x }}", "render: chat template line 2: 'x' of nothing, which is undefined"},
      {"\n\n{{ 1 + 'a' }}", "render: chat template line 3: '+' between integer and text"},
      {"{{ f(1) }}", "render: chat template line 1: there is no function 'f'"},
      {"{{ 1 | shout }}", "render: chat template line 1: there is no filter 'shout'"},
      {"{{ raise_exception('roles must alternate') }}", "render: chat template line 1: roles must alternate"},
      {"{{ 1 // 0 }}", "render: chat template line 1: a division by zero"},
      {"{{ 9223372036854775807 + 1 }}", "render: chat template line 1: '+': a whole number beyond 64 bits"},
      {"{% if 1 %}\nx", "parse: chat template line 2: expected {% endif %}, found end of template"},
      {"{{ (1, 2 }}", "parse: chat template line 1: unexpected '}'"},
      {"\n{{ 'abc }}", "parse: chat template line 2: a string without end"},
      {"{% include 'x' %}", "parse: chat template line 1: {% include %} is not supported"},
      {"{{ 1 $ 2 }}", "parse: chat template line 1: expected a part of an expression, found '$'"},
      {"{# never closed", "parse: chat template line 1: a comment {# without #}"},
      {"{% break %}", "parse: chat template line 1: {% break %} outside of a loop"}};
  expect_all(cases);
}

TEST(Template, NothingButValuesCanBeReached) {
  for (const std::string_view name : {"__class__", "__init__", "__globals__", "mro", "func_globals"}) {
    EXPECT_EQ(render(fmt::format(
                  "{{{{ t.{0} is defined }}}}{{{{ d['{0}'] is defined }}}}{{{{ range.{0} is defined }}}}", name)),
              "FalseFalseFalse")
        << name;
  }
  EXPECT_THAT(render("{{ l.append(1) }}"), HasSubstr("there is no function 'append'"));
  EXPECT_THAT(render("{{ d.update({}) }}"), HasSubstr("there is no function 'update'"));
}

/// The bytes that are not quoted, with one "." for each range that is.
std::string own_words(std::string_view source) {
  const auto rendered = Template::parse(source)->render(some_values());
  std::string out;
  size_t done = 0;
  for (const TextRange& range : rendered->quoted) {
    out += rendered->text.substr(done, range.begin - done) + ".";
    done = range.end;
  }
  return out + rendered->text.substr(done);
}

TEST(Template, KnowsWhichTextItQuotes) {
  EXPECT_EQ(own_words("<{{ t }}>{{ n }}{{ 'own' }}"), "<.>7own");
  EXPECT_EQ(own_words("{{ '<' + t + '>' }}{{ '<' ~ t ~ '>' }}"), "<.><.>");
  EXPECT_EQ(own_words("{{ t | upper }}|{{ t.split('X')[0] }}|{{ t[1:] | trim }}|{{ t | replace('X', '-') }}"),
            ".|.|.|.-.-");
  EXPECT_EQ(own_words("{{ rows | tojson }}"), R"([{".": ".", ".": 1}, {".": ".", ".": 2}])");
  EXPECT_EQ(
      own_words(
          "{% set x %}<{{ t }}>{% endset %}{{ x }}{{ [t, 'own'] | join('|') }}{% for c in t %}{{ c }},{% endfor %}"),
      "<.>.|own.,.,.,.,");
  EXPECT_EQ(own_words("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(t) | indent(2, true) }}{{ [t] }}"), "  <.>['.']");
}

}  // namespace
}  // namespace adder
