#include <fmt/format.h>

#include "make/problems/make.h"
#include "make/problems/words.h"

namespace adder {

/// Three numbers are told of three things, one of them is asked for after `level` has had its say: what is recalled is
/// which belongs to which, over a distance that doubles.
Problem make_recall(Rng& rng, int64_t level) {
  const auto owners = some(rng, people(), 3);
  const std::string_view thing = any(rng, things());
  const auto asked = static_cast<size_t>(number(rng, 0, 2));
  Problem problem{.task = "recall", .level = level};
  int64_t answer = 0;
  for (size_t i = 0; i < owners.size(); ++i) {
    const int64_t told = number(rng, 100, 999);
    if (i == asked) answer = told;
    problem.prompt += fmt::format("The number on {}'s {} is {}. ", owners[i], thing, told);
  }
  const int64_t distance = level == 0 ? 0 : int64_t{1} << (level - 1);
  for (int64_t i = 0; i < distance; ++i) problem.prompt += filler(rng) + " ";
  problem.prompt += fmt::format("The number on {}'s {} is ", owners[asked], thing);
  problem.answer = fmt::format("{}.", answer);
  return problem;
}

}  // namespace adder
