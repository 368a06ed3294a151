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

constexpr std::string_view kEndings[] = {"la", "na", "ra", "to", "vi", "mo"};

/// One of 390: few enough for a small model to know each.
std::string name(Rng& rng) {
  std::string word = nonsense(rng, 1);
  word.front() = static_cast<char>(std::toupper(word.front()));
  return word.append(any(rng, kEndings));
}

}  // namespace

/// Many have something, and it is asked what one of them has: associative recall (arXiv 2312.04927), where a level
/// doubles both what is to be kept apart and how far back it stands. To train on, others are asked for too: of a text
/// that asks once, a hundred tokens teach nothing for every one that does.
Problem make_recall(Rng& rng, int64_t level) {
  const size_t n = size_t{2} << level;
  std::vector<std::pair<std::string, std::string_view>> told;
  Problem problem{.task = "recall", .level = level, .prompt = {}, .answer = {}, .more = {}};
  while (told.size() < n) {
    std::string one = name(rng);
    if (std::ranges::find(told, one, &std::pair<std::string, std::string_view>::first) != told.end()) continue;
    told.emplace_back(std::move(one), any(rng, rng.below(2) == 0 ? things() : animals()));
    problem.prompt += fmt::format("{} has the {}.\n", told.back().first, told.back().second);
  }
  const size_t asked = std::min(n, kMostAsked);
  for (size_t i = 0; i < asked; ++i) std::swap(told[i], told[i + rng.below(n - i)]);
  problem.prompt += fmt::format("{} has the ", told[0].first);
  problem.answer = fmt::format("{}.", told[0].second);
  for (size_t i = 1; i < asked; ++i) problem.more += fmt::format("{} has the {}.\n", told[i].first, told[i].second);
  return problem;
}

}  // namespace adder
