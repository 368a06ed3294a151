#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "core/base/atomic_file.h"
#include "make/train/study/comparison.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

struct CompareRunsCommand {
  std::vector<std::string> runs;  // LABEL=FOLDER[,FOLDER...]
  std::vector<std::string> below;
  fs::path html, markdown, svg;
  std::string title = "Methods compared";
  double seam = -1;
  bool json = false, best = false;
};

/// One run of a method, put to those of the same label.
Status add_run(const std::string& text, std::vector<Method>& methods) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
    return Error::usage("{}: expected LABEL=FOLDER, or LABEL=FOLDER,FOLDER for a run in parts", text);
  }
  std::vector<fs::path> parts;
  for (const std::string& part : CLI::detail::split(text.substr(equals + 1), ',')) parts.emplace_back(part);
  TRY_ASSIGN(RunLog run, read_run(parts));
  const std::string label = text.substr(0, equals);
  auto method = std::ranges::find(methods, label, &Method::label);
  if (method == methods.end()) method = methods.insert(method, {label, {}});
  method->runs.push_back(std::move(run));
  return {};
}

Status check_below(const Comparison& comparison, const std::vector<std::string>& labels) {
  for (size_t i = 1; i < labels.size(); ++i) {
    TRY_ASSIGN(const Mean better, comparison.at_end(labels[0], Measure::kKl));
    TRY_ASSIGN(const Mean worse, comparison.at_end(labels[i], Measure::kKl));
    if (!(better.value < worse.value)) {
      return Error::corrupt("the KL of {} at the end is {:.4f}, not below the {:.4f} of {}", labels[0], better.value,
                            worse.value, labels[i]);
    }
  }
  return {};
}

Status check_seam(const Comparison& comparison, double most) {
  if (most < 0) return {};
  const auto seam = comparison.seam();
  if (!seam) return Error::not_found("no run has two parts that were judged where they meet");
  if (!(*seam <= most)) return Error::corrupt("masked and sliced children differ by {:.3g}, above {:.3g}", *seam, most);
  return {};
}

Status write_charts(const Comparison& comparison, const fs::path& folder) {
  TRY(make_directory(folder));
  for (const auto& [name, chart] : comparison.charts()) TRY(write_file(folder / (name + ".svg"), chart));
  return {};
}

Status compare_runs(const CompareRunsCommand& command) {
  std::vector<Method> methods;
  for (const std::string& run : command.runs) TRY(add_run(run, methods));
  const Comparison comparison(std::move(methods));
  if (command.best) {
    TRY_ASSIGN(const std::string best, comparison.best());
    fmt::print("{}\n", best);
    return {};
  }
  if (command.json) {
    fmt::print("{}\n", comparison.json().dump(2));
  } else {
    fmt::print("{}", comparison.text());
  }
  if (!command.html.empty()) TRY(write_file(command.html, comparison.page(command.title)));
  if (!command.markdown.empty()) TRY(write_file(command.markdown, comparison.markdown()));
  if (!command.svg.empty()) TRY(write_charts(comparison, command.svg));
  TRY(check_below(comparison, command.below));
  return check_seam(comparison, command.seam);
}

}  // namespace

void add_compare_runs(CLI::App& app, Status& status) {
  auto options = std::make_shared<CompareRunsCommand>();
  CLI::App* command = app.add_subcommand("compare-runs", "methods side by side after equal numbers of tokens");
  command->add_option("runs", options->runs, "LABEL=FOLDER of metrics.jsonl; several of one label are its seeds")
      ->required()
      ->type_name("RUN...");
  command->add_option("--html", options->html, "write a page of charts and tables too");
  command->add_option("--markdown", options->markdown, "write the tables for a document too");
  command->add_option("--svg", options->svg, "write the charts as files too, for a document")->type_name("FOLDER");
  command->add_option("--title", options->title, "of the page")->capture_default_str();
  command->add_flag("--json", options->json, "print JSON");
  command->add_flag("--best", options->best, "print the label with the least KL where all have come to, nothing else");
  command->add_option("--require-below", options->below, "fail unless the first label's last KL is below the others'")
      ->delimiter(',')
      ->type_name("LABEL,LABEL...");
  command->add_option("--require-seam", options->seam, "fail unless the parts of a run meet so exactly")
      ->check(CLI::NonNegativeNumber)
      ->type_name("NATS");
  command->footer(
      "Columns are the counts of tokens after which the recipes ([judge] at) have models judged.\n"
      "A run in parts, a router's and that of its child say, is LABEL=ROUTER,LEG/stage-1.\n\n"
      "Example:\n"
      "  adder-train compare-runs elastic=ROUTER,LEG/stage-1 random=LEG2/stage-1 --html table.html");
  command->callback([options, &status] { status = compare_runs(*options); });
}

}  // namespace adder
