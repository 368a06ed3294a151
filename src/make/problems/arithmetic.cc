#include <fmt/format.h>

#include <array>
#include <utility>

#include "make/problems/make.h"
#include "make/problems/words.h"

namespace adder {

Problem make_arithmetic(Rng& rng, int64_t level) {
  constexpr std::array<int64_t, 3> kMost = {9, 99, 999};
  const int64_t most = kMost.at(static_cast<size_t>(level));
  int64_t a = number(rng, 1, most), b = number(rng, 1, most);
  const std::string_view who = any(rng, people()), thing = any(rng, things());
  const bool told = rng.below(2) == 0;
  Problem problem{.task = "arithmetic", .level = level};
  int64_t answer = 0;
  switch (rng.below(3)) {
    case 0:
      answer = a + b;
      problem.prompt = told ? fmt::format("{} has {} {}s and is given {} more. Now {} has ", who, a, thing, b, who)
                            : fmt::format("{} + {} = ", a, b);
      break;
    case 1:
      if (a < b) std::swap(a, b);
      answer = a - b;
      problem.prompt = told ? fmt::format("{} has {} {}s and gives away {}. Now {} has ", who, a, thing, b, who)
                            : fmt::format("{} - {} = ", a, b);
      break;
    default:
      b = number(rng, 2, 9);
      answer = a * b;
      problem.prompt = told ? fmt::format("{} fills {} bags with {} {}s each. In all {} has ", who, b, a, thing, who)
                            : fmt::format("{} * {} = ", a, b);
  }
  problem.answer = told ? fmt::format("{} {}s.", answer, thing) : fmt::format("{}", answer);
  return problem;
}

}  // namespace adder
