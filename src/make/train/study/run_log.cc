#include "make/train/study/run_log.h"

#include <algorithm>
#include <cmath>

#include "make/train/loop/metrics.h"

namespace adder {
namespace {

using nlohmann::json;

/// A part as it is on disk.
struct Part {
  int64_t first = 0, end = 0;
  std::vector<JudgedPoint> points;
};

std::optional<double> number_in(const json& entry, const char* field) {
  if (!entry.contains(field) || !entry[field].is_number()) return {};
  return entry[field].get<double>();
}

Result<Part> read_part(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "metrics.jsonl";
  TRY_ASSIGN(const auto runs, Metrics(file).read("run"));
  TRY_ASSIGN(const auto judged, Metrics(file).read("held_out"));
  if (runs.empty()) return Error::corrupt("{}: does not say what run it is of", file.string());
  const json& run = runs.rbegin()->second;  // the last leg's
  try {
    Part part{run.at("first_token").get<int64_t>(), run.at("end").get<int64_t>(), {}};
    const auto asked = run.at("judged_at").get<std::vector<int64_t>>();
    for (const auto& [step, entry] : judged) {
      const auto tokens = entry.at("tokens").get<int64_t>();
      if (std::ranges::count(asked, tokens) == 0) continue;
      part.points.push_back({tokens, entry.at("loss").get<double>(), entry.at("accuracy").get<double>(),
                             number_in(entry, "kl"), number_in(entry, "agreement"),
                             entry.at("parameters").get<int64_t>()});
    }
    return part;
  } catch (const json::exception& error) {
    return Error::corrupt("{}: {}", file.string(), error.what());
  }
}

double difference(const JudgedPoint& a, const JudgedPoint& b) {
  return std::max(std::abs(a.loss - b.loss), std::abs(a.kl.value_or(0) - b.kl.value_or(0)));
}

void append(Part part, RunLog& run) {
  const int64_t shift = part.first < run.end ? run.end - part.first : 0;
  for (JudgedPoint& point : part.points) {
    point.tokens += shift;
    if (!run.points.empty() && run.points.back().tokens == point.tokens) {
      if (shift == 0) run.seam = std::max(run.seam.value_or(0), difference(run.points.back(), point));
      run.points.pop_back();
    }
    run.points.push_back(point);
  }
  run.end = part.end > 0 ? part.end + shift : 0;
}

}  // namespace

Result<RunLog> read_run(const std::vector<std::filesystem::path>& parts) {
  RunLog run;
  bool has_begun = false;
  for (const std::filesystem::path& folder : parts) {
    std::error_code ignored;
    if (!std::filesystem::exists(folder / "metrics.jsonl", ignored)) break;
    TRY_ASSIGN(Part part, read_part(folder));
    append(std::move(part), run);
    has_begun = true;
  }
  if (!has_begun) return Error::not_found("{}: no run has begun there", parts.front().string());
  return run;
}

}  // namespace adder
