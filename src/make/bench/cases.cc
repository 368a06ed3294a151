#include "make/bench/cases.h"

#include <charconv>
#include <utility>

#include "core/base/threads.h"

namespace adder {
namespace {

Status check_list(std::string_view name, const std::vector<int64_t>& list, int64_t least, int64_t most) {
  if (list.empty()) return Error::usage("{}: an empty list", name);
  for (const int64_t value : list)
    if (value < least || value > most)
      return Error::usage("{}: {}, expected a number from {} to {}", name, value, least, most);
  return {};
}

}  // namespace

Result<std::vector<int64_t>> parse_list(std::string_view text) {
  std::vector<int64_t> list;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (;; ++at) {
    const auto [after, error] = std::from_chars(at, end, list.emplace_back());
    if (error != std::errc() || (after != end && *after != ','))
      return Error::usage("'{}' is no list of numbers like 1,2,8", text);
    at = after;
    if (at == end) return list;
  }
}

Result<std::vector<Case>> combinations(const CaseLists& lists, int64_t most_positions) {
  std::vector<int64_t> threads = lists.threads;
  if (threads.empty()) threads.push_back(available_threads());
  TRY(check_list("threads", threads, 1, kMostBenchThreads));
  TRY(check_list("batch", lists.batch, 1, kMostBatch));
  TRY(check_list("depth", lists.depth, 0, most_positions));
  TRY(check_list("prompt", lists.prompt, 1, most_positions));
  TRY(check_list("generate", lists.generate, 1, most_positions));

  int64_t n = 1;
  for (const std::vector<int64_t>* list :
       {&std::as_const(threads), &lists.batch, &lists.depth, &lists.prompt, &lists.generate}) {
    const auto size = static_cast<int64_t>(list->size());
    if (size > kMostCases / n) return Error::usage("more than {} combinations", kMostCases);
    n *= size;
  }

  std::vector<Case> cases;
  for (const int64_t t : threads)
    for (const int64_t depth : lists.depth)
      for (const int64_t batch : lists.batch)
        for (const int64_t prompt : lists.prompt)
          for (const int64_t generate : lists.generate)
            cases.push_back({static_cast<int>(t), batch, depth, prompt, generate});
  for (const Case& c : cases)
    if (c.positions() > most_positions)
      return Error::usage("{} + {} + {} tokens, at most {} fit in a sequence", c.depth, c.prompt, c.generate,
                          most_positions);
  return cases;
}

}  // namespace adder
