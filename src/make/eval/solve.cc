#include "make/eval/solve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "make/chart/text_table.h"

namespace adder {

void SolveReport::add(const Problem& problem, bool is_right) {
  auto count = std::ranges::find_if(
      counts, [&](const SolvedCount& c) { return c.task == problem.task && c.level == problem.level; });
  if (count == counts.end()) count = counts.insert(count, {problem.task, problem.level});
  ++count->asked;
  count->right += is_right ? 1 : 0;
}

nlohmann::ordered_json SolveReport::to_json() const {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  int64_t asked = 0, right = 0;
  for (const SolvedCount& c : counts) {
    list.push_back({{"task", c.task}, {"level", c.level}, {"asked", c.asked}, {"right", c.right}});
    asked += c.asked, right += c.right;
  }
  return {{"asked", asked}, {"right", right}, {"by_level", list}};
}

std::string SolveReport::to_text() const {
  int64_t levels = 0, asked = 0, right = 0;
  for (const SolvedCount& c : counts) {
    levels = std::max(levels, c.level + 1);
    asked += c.asked, right += c.right;
  }
  TextTable table{.head = {"right, % at level"}, .rows = {}, .names_first = true};
  for (int64_t level = 0; level < levels; ++level) table.head.push_back(fmt::format("{}", level));
  for (const SolvedCount& c : counts) {
    auto row = std::ranges::find(table.rows, c.task, [](const auto& cells) -> std::string_view { return cells[0]; });
    if (row == table.rows.end()) {
      row = table.rows.insert(row, {std::string(c.task)});
      row->resize(table.head.size());
    }
    (*row)[static_cast<size_t>(c.level) + 1] =
        fmt::format("{:.0f}", 100.0 * static_cast<double>(c.right) / static_cast<double>(c.asked));
  }
  const double share = static_cast<double>(right) / static_cast<double>(std::max<int64_t>(1, asked));
  const double error = std::sqrt(share * (1 - share) / static_cast<double>(std::max<int64_t>(1, asked)));
  return table.plain() + fmt::format("all: {} of {}, {:.1f} ± {:.1f} %\n", right, asked, 100 * share, 100 * error);
}

Result<SolveReport> solve(Engine& engine, std::span<const Problem> problems,
                          const std::function<Status(double done)>& progress) {
  SolveReport report;
  for (size_t i = 0; i < problems.size(); ++i) {
    const Problem& problem = problems[i];
    const bool ends_in_space = problem.prompt.ends_with(' ');
    const std::string_view prompt = std::string_view(problem.prompt).substr(0, problem.prompt.size() - ends_in_space);
    const Tokenizer& tokenizer = engine.tokenizer();
    GenerateRequest request;
    request.prompt = tokenizer.encode(prompt);
    request.max_tokens = std::ssize(tokenizer.encode(problem.answer)) + 4;
    request.sampling.temperature = 0;
    TRY_ASSIGN(const GenerateResult result, engine.generate(request));
    std::string_view said = result.text;
    if (ends_in_space && said.starts_with(' ')) said.remove_prefix(1);
    report.add(problem, solves(problem, said));
    if (progress) TRY(progress(static_cast<double>(i + 1) / static_cast<double>(problems.size())));
  }
  return report;
}

}  // namespace adder
