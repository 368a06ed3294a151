#include <algorithm>
#include <cmath>
#include <set>

#include "make/chart/chart.h"
#include "make/chart/page.h"
#include "make/chart/text_table.h"
#include "make/train/study/comparison.h"

namespace adder {
namespace {

struct MeasureNames {
  Measure measure;
  const char* title;
  const char* field;
  bool is_share;
  bool is_logarithmic;
};
constexpr std::array<MeasureNames, kMeasures> kNames = {
    {{Measure::kKl, "KL to the parent", "kl", false, true},
     {Measure::kLoss, "validation loss", "loss", false, false},
     {Measure::kAgreement, "top-1 agreement, %", "agreement", true, false},
     {Measure::kAccuracy, "next token right, %", "accuracy", true, false}}};
constexpr std::array kColours = {"#06c", "#c30", "#083", "#63a", "#b80", "#088", "#a06", "#555", "#5a0", "#00a"};

std::string share_text(int64_t tokens, int64_t end) {
  if (end == 0) return fmt::format("{}", tokens);
  return fmt::format("{:.3g} %", 100 * static_cast<double>(tokens) / static_cast<double>(end));
}

std::string cell(const Mean& mean, bool is_share) {
  if (mean.runs == 0) return "";
  const double scale = is_share ? 100 : 1;
  const int digits = is_share ? 1 : 4;
  std::string text = fmt::format("{:.{}f}", scale * mean.value, digits);
  if (mean.runs > 1) text += fmt::format(" ± {:.{}f}", scale * mean.error, digits);
  return text;
}

/// Of the runs at their last points; a range where the seeds chose differently.
std::string parameters_text(const Method& method) {
  std::set<int64_t> counts;
  for (const RunLog& run : method.runs) {
    if (!run.points.empty()) counts.insert(run.points.back().parameters);
  }
  if (counts.empty()) return "";
  if (counts.size() == 1) return fmt::format("{}", *counts.begin());
  return fmt::format("{} - {}", *counts.begin(), *counts.rbegin());
}

TextTable table_of(const Comparison& c, const MeasureNames& names) {
  TextTable table{{names.title, "parameters", "runs"}, {}, true};
  for (const int64_t tokens : c.tokens()) table.head.push_back(share_text(tokens, c.end()));
  for (size_t i = 0; i < c.methods().size(); ++i) {
    const Method& method = c.methods()[i];
    std::vector<std::string> row = {method.label, parameters_text(method), fmt::format("{}", method.runs.size())};
    for (const int64_t tokens : c.tokens()) row.push_back(cell(c.mean(i, names.measure, tokens), names.is_share));
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string notes(const Comparison& c) {
  std::string text = fmt::format("100 % is {} tokens", c.end());
  if (const auto seam = c.seam()) {
    text += fmt::format("; masked and sliced children differ by at most {:.2g} in loss and KL", *seam);
  }
  return text + ".";
}

/// Over the logarithm of tokens, so a run's beginning is not in it.
std::string chart_of(const Comparison& c, const MeasureNames& names) {
  std::vector<Curve> curves;
  for (size_t i = 0; i < c.methods().size(); ++i) {
    Curve curve{c.methods()[i].label, kColours[i % kColours.size()], {}};
    for (const int64_t tokens : c.tokens()) {
      const Mean mean = c.mean(i, names.measure, tokens);
      if (mean.runs > 0) curve.points.emplace_back(tokens, (names.is_share ? 100 : 1) * mean.value);
    }
    curves.push_back(std::move(curve));
  }
  return line_chart(names.title, "tokens", curves, {.x = true, .y = names.is_logarithmic});
}

}  // namespace

std::string Comparison::text() const {
  std::string text;
  for (const MeasureNames& names : kNames) text += table_of(*this, names).plain() + "\n";
  return text + notes(*this) + "\n";
}

std::string Comparison::markdown() const {
  std::string text;
  for (const MeasureNames& names : kNames) text += table_of(*this, names).markdown() + "\n";
  return text + notes(*this) + "\n";
}

std::string Comparison::page(const std::string& title) const {
  std::string body;
  for (const MeasureNames& names : kNames) body += chart_of(*this, names) + table_of(*this, names).html();
  return html_page(title, body + fmt::format("<p>{}</p>\n", escaped(notes(*this))));
}

std::vector<std::pair<std::string, std::string>> Comparison::charts() const {
  std::vector<std::pair<std::string, std::string>> charts;
  for (const MeasureNames& names : kNames) charts.emplace_back(names.field, svg_file(chart_of(*this, names)));
  return charts;
}

nlohmann::ordered_json Comparison::json() const {
  nlohmann::ordered_json methods = nlohmann::ordered_json::array();
  for (size_t i = 0; i < methods_.size(); ++i) {
    nlohmann::ordered_json points = nlohmann::ordered_json::array();
    for (const int64_t tokens : tokens_) {
      nlohmann::ordered_json point = {{"tokens", tokens}};
      for (const MeasureNames& names : kNames) {
        const Mean m = mean(i, names.measure, tokens);
        if (m.runs > 0) point[names.field] = {{"mean", m.value}, {"error", m.error}, {"runs", m.runs}};
      }
      if (point.size() > 1) points.push_back(std::move(point));
    }
    nlohmann::ordered_json parameters = nlohmann::ordered_json::array();
    for (const RunLog& run : methods_[i].runs) {
      if (!run.points.empty()) parameters.push_back(run.points.back().parameters);
    }
    methods.push_back({{"label", methods_[i].label}, {"parameters", parameters}, {"points", points}});
  }
  nlohmann::ordered_json json = {{"end", end_}, {"methods", methods}};
  if (const auto largest = seam()) json["seam"] = *largest;
  return json;
}

}  // namespace adder
