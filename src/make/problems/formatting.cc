#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "make/problems/make.h"
#include "make/problems/words.h"

namespace adder {
namespace {

std::string capitals(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

}  // namespace

Problem make_formatting(Rng& rng, int64_t level) {
  auto names = some(rng, people(), static_cast<size_t>(level) + 2);
  std::vector<std::string> pairs, fields;
  for (const std::string_view name : names) {
    const int64_t age = number(rng, 3, 99);
    pairs.push_back(fmt::format("{} is {}", name, age));
    fields.push_back(fmt::format("\"{}\": {}", name, age));
  }
  Problem problem{.task = "formatting", .level = level};
  const auto ask = [&](std::string_view how, const std::string& given, std::string answer) {
    problem.prompt = fmt::format("{}: {}.\n", how, given);
    problem.answer = std::move(answer);
  };
  const std::string listed = fmt::format("{}", fmt::join(names, ", "));
  switch (rng.below(5)) {
    case 0:
      ask("As a list", listed, fmt::format("- {}", fmt::join(names, "\n- ")));
      break;
    case 1:
      ask("As a row of a table", listed, fmt::format("| {} |", fmt::join(names, " | ")));
      break;
    case 2:
      ask("As JSON", fmt::format("{}", fmt::join(pairs, ", ")), fmt::format("{{{}}}", fmt::join(fields, ", ")));
      break;
    case 3:
      ask("In capitals", listed, capitals(listed));
      break;
    default:
      std::ranges::sort(names);
      ask("In order of the alphabet", listed, fmt::format("{}", fmt::join(names, ", ")));
  }
  return problem;
}

}  // namespace adder
