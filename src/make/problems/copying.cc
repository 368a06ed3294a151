#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "make/problems/make.h"
#include "make/problems/words.h"

namespace adder {

Problem make_copying(Rng& rng, int64_t level) {
  const size_t n = size_t{2} << level;
  std::vector<std::string> words;
  while (words.size() < n)
    if (std::string word = nonsense(rng, number(rng, 2, 3)); std::ranges::find(words, word) == words.end())
      words.push_back(word);
  const auto listed = [](const std::vector<std::string>& list) { return fmt::format("{}", fmt::join(list, " ")); };

  Problem problem{.task = "copying", .level = level};
  const auto ask = [&](const std::string& what, std::string answer) {
    problem.prompt = fmt::format("Words: {}\n{}: ", listed(words), what);
    problem.answer = std::move(answer);
  };
  switch (rng.below(4)) {
    case 0:
      ask("The same words", listed(words));
      break;
    case 1:
      ask("Backwards", listed({words.rbegin(), words.rend()}));
      break;
    case 2:
      ask("The last word", words.back());
      break;
    default: {
      const size_t i = rng.below(n - 1);
      ask(fmt::format("The word after {}", words[i]), words[i + 1]);
    }
  }
  return problem;
}

}  // namespace adder
