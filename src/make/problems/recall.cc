#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "make/problems/make.h"
#include "make/problems/words.h"

namespace adder {
namespace {

/// Most that are asked for in one text.
constexpr size_t kMostAsked = 32;

/// Few enough for a small model to know each. Of some of them either half of the name tells who is meant, so a model
/// can begin by looking back for one token.
constexpr uint64_t kNames = 400;

std::string name(uint64_t number) {
  Rng rng(number);
  std::string word = nonsense(rng, 2);
  word.front() = static_cast<char>(std::toupper(word.front()));
  return word;
}

}  // namespace

/// Everyone has a number, and it is asked for one: associative recall (arXiv 2312.04927), where a level doubles both
/// what is to be kept apart and how far back it stands. To train on, others are asked for too: of a text that asks
/// once, a hundred tokens teach nothing for every one that does. What is asked begins a line, what is told does not: a
/// model sees by the token before that something is to be recalled, and learns it much sooner.
Problem make_recall(Rng& rng, int64_t level) {
  const size_t n = size_t{2} << level;
  std::vector<std::pair<std::string, int64_t>> told;
  Problem problem{.task = "recall", .level = level, .prompt = {}, .answer = {}, .more = {}};
  while (told.size() < n) {
    std::string one = name(rng.below(kNames));
    if (std::ranges::find(told, one, &std::pair<std::string, int64_t>::first) != told.end()) continue;
    told.emplace_back(std::move(one), number(rng, 100, 999));
    problem.prompt += fmt::format("{} has {}. ", told.back().first, told.back().second);
  }
  const size_t asked = std::min(n, kMostAsked);
  for (size_t i = 0; i < asked; ++i) std::swap(told[i], told[i + rng.below(n - i)]);
  problem.prompt += fmt::format("{} has ", told[0].first);
  problem.answer = fmt::format("{}.", told[0].second);
  for (size_t i = 1; i < asked; ++i) problem.more += fmt::format("{} has {}.\n", told[i].first, told[i].second);
  return problem;
}

}  // namespace adder
