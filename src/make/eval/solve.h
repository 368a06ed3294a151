#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "make/problems/problem.h"
#include "run/engine/engine.h"

namespace adder {

/// Problems of one task and level: how many a model was asked, and how many it answered rightly.
struct SolvedCount {
  std::string_view task;
  int64_t level = 0, asked = 0, right = 0;
};

struct SolveReport {
  std::vector<SolvedCount> counts;  ///< in the order of the problems

  void add(const Problem& problem, bool is_right);
  nlohmann::ordered_json to_json() const;
  /// A row a task, a column a level: per cent right. Below, the share of all with its standard error.
  std::string to_text() const;
};

/// Has the model continue every prompt greedily and counts the answers that are right (make/problems/problem.h).
/// A space that a prompt ends with is left to the model: with most tokenizers it belongs to the answer's first token.
/// Errors: those of Engine::generate, and of `progress`, which is told the share that is done after each.
Result<SolveReport> solve(Engine& engine, std::span<const Problem> problems,
                          const std::function<Status(double done)>& progress);

}  // namespace adder
