#include "make/problems/problem.h"

#include <algorithm>

#include "core/base/hash.h"
#include "make/problems/make.h"

namespace adder {
namespace {

constexpr Task kTasks[] = {
    {"recall", "what one of 2, 4, 8 .. 256 has", 8, make_recall},
    {"copying", "words that mean nothing, 2 to 16 of them: again, backwards, the last, the one after", 4, make_copying},
    {"arithmetic", "sums, differences and products of numbers of up to 1, 2, 3 digits", 3, make_arithmetic},
    {"counting", "how often a word stands among 4 to 24 others", 4, make_counting},
    {"formatting", "2 to 5 items as a list, a table row, JSON, in order, in capitals", 4, make_formatting},
    {"facts", "a question whose answer is stated, or follows from two statements; 2 to 8 people", 4, make_facts},
};

}  // namespace

std::span<const Task> tasks() {
  return kTasks;
}

const Task* find_task(std::string_view name) {
  const auto* const found = std::ranges::find(kTasks, name, &Task::name);
  return found == std::end(kTasks) ? nullptr : found;
}

bool solves(const Problem& problem, std::string_view continuation) {
  if (!continuation.starts_with(problem.answer)) return false;
  continuation.remove_prefix(problem.answer.size());
  return continuation.empty() || continuation.front() == '\n';
}

bool is_test(const Problem& problem) {
  const std::string hash = hash128_hex(std::as_bytes(std::span(problem.prompt)));
  return hash.back() == '0';
}

}  // namespace adder
