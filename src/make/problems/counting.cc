#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "make/problems/make.h"
#include "make/problems/words.h"

namespace adder {

/// Half of the places hold the word that is counted, on average: its number is not to be guessed from the length.
Problem make_counting(Rng& rng, int64_t level) {
  const int64_t n = number(rng, 4, 6) * (level + 1);
  const auto kinds = some(rng, animals(), 4);
  std::vector<std::string_view> row;
  for (int64_t i = 0; i < n; ++i) row.push_back(rng.below(2) == 0 ? kinds[0] : kinds[1 + rng.below(3)]);
  return {.task = "counting",
          .level = level,
          .prompt = fmt::format("Row: {}\nHow often is there {}? ", fmt::join(row, " "), kinds[0]),
          .answer = fmt::format("{}", std::ranges::count(row, kinds[0]))};
}

}  // namespace adder
