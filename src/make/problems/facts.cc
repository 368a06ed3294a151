#include <fmt/format.h>

#include <utility>

#include "make/problems/make.h"
#include "make/problems/words.h"

namespace adder {

/// Everybody lives somewhere, has an animal and likes a colour, all told in any order. Asked is one of these, or where
/// an animal lives, which follows from two of them.
Problem make_facts(Rng& rng, int64_t level) {
  const size_t n = 2 * (static_cast<size_t>(level) + 1);
  const auto who = some(rng, people(), n), where = some(rng, places(), n), animal = some(rng, animals(), n);
  const auto colour = some(rng, colours(), n);
  std::vector<std::string> told;
  for (size_t i = 0; i < n; ++i) {
    told.push_back(fmt::format("{} lives in {}.", who[i], where[i]));
    told.push_back(fmt::format("{} has a {}.", who[i], animal[i]));
    told.push_back(fmt::format("{} likes {}.", who[i], colour[i]));
  }
  for (size_t i = 0; i + 1 < told.size(); ++i) std::swap(told[i], told[i + rng.below(told.size() - i)]);

  Problem problem{.task = "facts", .level = level};
  for (const std::string& sentence : told) problem.prompt += sentence + " ";
  const size_t i = rng.below(n);
  const auto ask = [&](const std::string& question, std::string_view answer) {
    problem.prompt += fmt::format("\nQuestion: {}\nAnswer: ", question);
    problem.answer = answer;
  };
  switch (rng.below(5)) {
    case 0:
      ask(fmt::format("Where does {} live?", who[i]), where[i]);
      break;
    case 1:
      ask(fmt::format("Which animal does {} have?", who[i]), animal[i]);
      break;
    case 2:
      ask(fmt::format("Who likes {}?", colour[i]), who[i]);
      break;
    case 3:
      ask(fmt::format("Who lives in {}?", where[i]), who[i]);
      break;
    default:
      ask(fmt::format("Where does the {} live?", animal[i]), where[i]);
  }
  return problem;
}

}  // namespace adder
