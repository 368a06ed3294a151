#include "make/train/study/comparison.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace adder {
namespace {

std::optional<double> value_of(const JudgedPoint& point, Measure measure) {
  switch (measure) {
    case Measure::kKl:
      return point.kl;
    case Measure::kLoss:
      return point.loss;
    case Measure::kAgreement:
      return point.agreement;
    case Measure::kAccuracy:
      return point.accuracy;
  }
  return {};
}

Mean mean_of(const std::vector<double>& values) {
  Mean mean{.runs = std::ssize(values)};
  const auto n = static_cast<double>(values.size());
  for (const double value : values) mean.value += value / n;
  double square = 0;
  for (const double value : values) square += (value - mean.value) * (value - mean.value);
  if (mean.runs > 1) mean.error = std::sqrt(square / (n - 1) / n);
  return mean;
}

}  // namespace

Comparison::Comparison(std::vector<Method> methods) : methods_(std::move(methods)) {
  std::map<int64_t, size_t> judged;
  for (const Method& method : methods_) {
    std::set<int64_t> here;
    for (const RunLog& run : method.runs) {
      for (const JudgedPoint& point : run.points) here.insert(point.tokens);
      end_ = std::max(end_, run.end);
    }
    for (const int64_t tokens : here) ++judged[tokens];
  }
  for (const auto& [tokens, count] : judged) {
    if (2 * count >= methods_.size()) tokens_.push_back(tokens);
  }
}

Mean Comparison::mean(size_t method, Measure measure, int64_t tokens) const {
  std::vector<double> values;
  for (const RunLog& run : methods_[method].runs) {
    const auto point = std::ranges::find(run.points, tokens, &JudgedPoint::tokens);
    if (point == run.points.end()) continue;
    if (const auto value = value_of(*point, measure)) values.push_back(*value);
  }
  return mean_of(values);
}

Result<Mean> Comparison::at_end(const std::string& label, Measure measure) const {
  const auto method = std::ranges::find(methods_, label, &Method::label);
  if (method == methods_.end()) return Error::usage("'{}' is none of the methods", label);
  const Mean found = mean(static_cast<size_t>(method - methods_.begin()), measure, end_);
  if (found.runs == 0) return Error::not_found("no run of {} was judged at its end, {} tokens", label, end_);
  return found;
}

Result<std::string> Comparison::best() const {
  for (size_t column = tokens_.size(); column-- > 0;) {
    for (const Measure measure : {Measure::kKl, Measure::kLoss}) {
      std::vector<Mean> means;
      for (size_t i = 0; i < methods_.size(); ++i) means.push_back(mean(i, measure, tokens_[column]));
      if (std::ranges::any_of(means, [](const Mean& m) { return m.runs == 0; })) continue;
      return methods_[static_cast<size_t>(std::ranges::min_element(means, {}, &Mean::value) - means.begin())].label;
    }
  }
  return Error::not_found("the runs were never judged after the same number of tokens");
}

std::optional<double> Comparison::seam() const {
  std::optional<double> largest;
  for (const Method& method : methods_) {
    for (const RunLog& run : method.runs) {
      if (run.seam) largest = std::max(largest.value_or(0), *run.seam);
    }
  }
  return largest;
}

}  // namespace adder
