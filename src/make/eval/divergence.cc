#include "make/eval/divergence.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "run/engine/engine.h"

namespace adder {
namespace {

struct Quantile {
  std::string_view name;
  double p;
};
constexpr std::array<Quantile, 13> kQuantiles = {{{"max", 1},
                                                  {"p99.9", 0.999},
                                                  {"p99", 0.99},
                                                  {"p95", 0.95},
                                                  {"p90", 0.9},
                                                  {"p75", 0.75},
                                                  {"median", 0.5},
                                                  {"p25", 0.25},
                                                  {"p10", 0.1},
                                                  {"p5", 0.05},
                                                  {"p1", 0.01},
                                                  {"p0.1", 0.001},
                                                  {"min", 0}}};

struct NamedValue {
  std::string_view name;
  double value;
};

std::vector<NamedValue> quantiles_of(std::vector<double> values, std::span<const Quantile> quantiles) {
  std::ranges::sort(values);
  std::vector<NamedValue> result;
  for (const Quantile& quantile : quantiles)
    if (!values.empty()) result.push_back({quantile.name, percentile(values, quantile.p)});
  return result;
}

nlohmann::json to_object(const std::vector<NamedValue>& values) {
  nlohmann::json object = nlohmann::json::object();
  for (const NamedValue& value : values) object[std::string(value.name)] = value.value;
  return object;
}

PerplexityReport one_side(const Moments& nll, int64_t windows, int64_t bytes) {
  PerplexityReport report;
  report.windows = windows;
  report.bytes = bytes;
  report.nll = nll;
  return report;
}

/// Of mean y / mean x, to first order; 0 where mean x is not positive.
double ratio_error(const PairMoments& m) {
  if (!(m.x().mean() > 0)) return 0;
  const double ratio = m.y().mean() / m.x().mean();
  const double variance = m.y().variance() + ratio * ratio * m.x().variance() - 2 * ratio * m.covariance();
  return std::sqrt(std::max(variance, 0.0) / static_cast<double>(m.x().count())) / m.x().mean();
}

Status check_same_vocabulary(const Engine& parent, const Engine& child) {
  if (const auto a = parent.model().config().vocab_size, b = child.model().config().vocab_size; a != b)
    return Error::usage("the models predict {} and {} tokens; only models of one vocabulary can be compared", a, b);
  const auto& a = parent.tokenizer().data().tokens;
  const auto& b = child.tokenizer().data().tokens;
  if (a.size() != b.size())
    return Error::usage("the models have {} and {} tokens; only models of one vocabulary can be compared", a.size(),
                        b.size());
  const auto [in_a, in_b] = std::ranges::mismatch(a, b);
  if (in_a == a.end()) return {};
  return Error::usage(
      "token {} is '{}' in one model and '{}' in the other; only models of one vocabulary can be compared",
      in_a - a.begin(), *in_a, *in_b);
}

}  // namespace

void DivergenceReport::add(const RowDivergence& row, int64_t token_bytes) {
  nll_.add(row.parent.nll, row.child.nll);
  right_.add(row.parent.right ? 1 : 0, row.child.right ? 1 : 0);
  kl_.add(row.kl);
  delta_p_.add(row.delta_p);
  squared_delta_p_.add(row.delta_p * row.delta_p);
  kl_values_.push_back(row.kl);
  delta_p_values_.push_back(row.delta_p);
  parent_right_here_ += row.parent.right ? 1 : 0;
  child_right_here_ += row.child.right ? 1 : 0;
  same_top_ += row.parent.top == row.child.top ? 1 : 0;
  bytes_ += token_bytes;
}

void DivergenceReport::end_window() {
  ++windows_;
  right_in_windows_.add(static_cast<double>(std::exchange(parent_right_here_, 0)),
                        static_cast<double>(std::exchange(child_right_here_, 0)));
}

PerplexityReport DivergenceReport::parent() const {
  return one_side(nll_.x(), windows_, bytes_);
}
PerplexityReport DivergenceReport::child() const {
  return one_side(nll_.y(), windows_, bytes_);
}
double DivergenceReport::perplexity_difference_error() const {
  if (kl_.count() == 0) return 0;
  const double p = parent().perplexity(), q = child().perplexity();
  const double variance = p * p * nll_.x().variance() + q * q * nll_.y().variance() - 2 * p * q * nll_.covariance();
  return std::sqrt(std::max(variance, 0.0) / static_cast<double>(kl_.count()));
}
double DivergenceReport::rms_delta_p() const {
  return std::sqrt(squared_delta_p_.mean());
}
double DivergenceReport::rms_delta_p_error() const {
  return rms_delta_p() > 0 ? squared_delta_p_.standard_error() / (2 * rms_delta_p()) : 0;
}
double DivergenceReport::accuracy_ratio() const {
  return right_.x().mean() > 0 ? right_.y().mean() / right_.x().mean() : 0;
}
double DivergenceReport::accuracy_ratio_error() const {
  return ratio_error(right_);
}
std::optional<DivergenceReport::Interval> DivergenceReport::accuracy_ratio_interval() const {
  if (windows_ < 2 || !(right_.x().mean() > 0)) return std::nullopt;
  const double reach = student_95(windows_ - 1) * ratio_error(right_in_windows_);
  return Interval{accuracy_ratio() - reach, accuracy_ratio() + reach};
}
double DivergenceReport::same_top() const {
  return kl_.count() == 0 ? 0 : static_cast<double>(same_top_) / static_cast<double>(kl_.count());
}
double DivergenceReport::same_top_error() const {
  return kl_.count() < 2 ? 0 : std::sqrt(same_top() * (1 - same_top()) / static_cast<double>(kl_.count() - 1));
}

nlohmann::json DivergenceReport::to_json() const {
  nlohmann::json kl = to_object(quantiles_of(kl_values_, kQuantiles));
  kl["mean"] = kl_.mean();
  kl["mean_error"] = kl_.standard_error();
  nlohmann::json delta_p = to_object(quantiles_of(delta_p_values_, kQuantiles));
  delta_p["mean"] = delta_p_.mean();
  delta_p["mean_error"] = delta_p_.standard_error();
  delta_p["rms"] = rms_delta_p();
  delta_p["rms_error"] = rms_delta_p_error();
  const auto interval = accuracy_ratio_interval();
  return {{"parent", parent().to_json()},
          {"child", child().to_json()},
          {"log_perplexity_ratio", log_ratio()},
          {"log_perplexity_ratio_error", log_ratio_error()},
          {"log_perplexity_correlation", correlation()},
          {"perplexity_difference", perplexity_difference()},
          {"perplexity_difference_error", perplexity_difference_error()},
          {"kl", kl},
          {"delta_p", delta_p},
          {"same_top", same_top()},
          {"same_top_error", same_top_error()},
          {"accuracy",
           {{"parent", right_.x().mean()},
            {"child", right_.y().mean()},
            {"ratio", accuracy_ratio()},
            {"ratio_error", accuracy_ratio_error()},
            {"ratio_95", interval ? nlohmann::json{interval->low, interval->high} : nlohmann::json()}}}};
}

std::string DivergenceReport::to_text() const {
  const PerplexityReport p = parent(), q = child();
  const double ratio = std::exp(log_ratio());
  std::string text = fmt::format(
      "perplexity     parent {:.4f} ± {:.4f}, child {:.4f} ± {:.4f}\n"
      "  ratio        {:.5f} ± {:.5f}  (ln {:.6f} ± {:.6f}), correlation of ln {:.2f} %\n"
      "  difference   {:+.5f} ± {:.5f}\n"
      "KL divergence  {:.6f} ± {:.6f}\n",
      p.perplexity(), p.perplexity_error(), q.perplexity(), q.perplexity_error(), ratio, ratio * log_ratio_error(),
      log_ratio(), log_ratio_error(), 100 * correlation(), perplexity_difference(), perplexity_difference_error(),
      kl_.mean(), kl_.standard_error());
  for (const auto& [label, value] : quantiles_of(kl_values_, kQuantiles))
    text += fmt::format("  {:<12} {:.6f}\n", label, value);
  text += fmt::format("change of p    {:+.4f} ± {:.4f} %, rms {:.4f} ± {:.4f} %  (true token)\n", 100 * delta_p_.mean(),
                      100 * delta_p_.standard_error(), 100 * rms_delta_p(), 100 * rms_delta_p_error());
  for (const auto& [label, value] : quantiles_of(delta_p_values_, kQuantiles))
    text += fmt::format("  {:<12} {:+.4f} %\n", label, 100 * value);
  text += fmt::format("same top       {:.3f} ± {:.3f} %\n", 100 * same_top(), 100 * same_top_error());
  text += fmt::format("accuracy       parent {:.3f} %, child {:.3f} %, ratio {:.4f} ± {:.4f}\n",
                      100 * right_.x().mean(), 100 * right_.y().mean(), accuracy_ratio(), accuracy_ratio_error());
  if (const auto interval = accuracy_ratio_interval())
    text +=
        fmt::format("  95 %         {:.4f} to {:.4f}  (of the ratio, over windows)\n", interval->low, interval->high);
  text += fmt::format("scored         {} tokens in {} windows\n", kl_.count(), windows_);
  return text;
}

Result<DivergenceReport> divergence(Engine& parent, Engine& child, std::span<const TokenId> text,
                                    const EvalOptions& options) {
  TRY(check_same_vocabulary(parent, child));
  TRY_ASSIGN(const auto windows, evaluation_windows(parent, text, options));
  DivergenceReport report;
  Engine* const engines[] = {&parent, &child};
  for (const Window& window : windows) {
    TRY(run_window(window, engines, [&](int64_t position, auto rows, TokenId next) -> Status {
      const RowDivergence row = compare_rows(rows[0], rows[1], next);
      if (!std::isfinite(row.kl))
        return Error::corrupt("the logits at position {} of window {} are not finite", position, report.windows());
      report.add(row, static_cast<int64_t>(parent.tokenizer().token_bytes(next, true).size()));
      return {};
    }));
    report.end_window();
    if (options.progress)
      TRY(options.progress(static_cast<double>(report.windows()) / static_cast<double>(windows.size())));
  }
  return report;
}

Result<DivergenceReport> divergence(const BaseLogits& parent, Engine& child, const EvalOptions& options) {
  if (const int64_t n = child.model().config().vocab_size; n != parent.vocabulary())
    return Error::usage("the file has logits of {} tokens, the model predicts {}", parent.vocabulary(), n);
  std::vector<Window> windows = parent.windows(child.tokenizer().data().bos);
  if (const auto most = static_cast<size_t>(options.max_windows); most > 0 && most < windows.size())
    windows.resize(most);
  DivergenceReport report;
  Engine* const engines[] = {&child};
  for (const Window& window : windows) {
    TRY(run_window(window, engines, [&](int64_t position, auto rows, TokenId next) -> Status {
      const RowDivergence row = parent.compare(report.windows(), position - window.first_scored, rows[0], next);
      if (!std::isfinite(row.kl))
        return Error::corrupt("the logits at position {} of window {} are not finite", position, report.windows());
      report.add(row, static_cast<int64_t>(child.tokenizer().token_bytes(next, true).size()));
      return {};
    }));
    report.end_window();
    if (options.progress)
      TRY(options.progress(static_cast<double>(report.windows()) / static_cast<double>(windows.size())));
  }
  return report;
}

}  // namespace adder
