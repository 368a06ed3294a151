#include "make/train/loop/report.h"

#include "core/base/atomic_file.h"
#include "make/chart/chart.h"
#include "make/chart/page.h"
#include "make/train/loop/metrics.h"

namespace adder {
namespace {

/// Points (tokens in millions, entry[field]).
Curve curve(const std::map<int64_t, nlohmann::json>& entries, const char* field, std::string name, std::string colour) {
  Curve curve{std::move(name), std::move(colour), {}};
  for (const auto& [step, entry] : entries) {
    if (entry.contains(field) && entry[field].is_number()) {
      curve.points.emplace_back(1e-6 * entry["tokens"].get<double>(), entry[field].get<double>());
    }
  }
  return curve;
}

}  // namespace

Status write_report(const std::filesystem::path& metrics, const std::filesystem::path& html, const std::string& title) {
  TRY_ASSIGN(const auto steps, Metrics(metrics).read("step"));
  TRY_ASSIGN(const auto held_out, Metrics(metrics).read("held_out"));
  const std::string tokens = "million tokens seen";
  std::string body =
      line_chart("loss, nats per token", tokens,
                 {curve(steps, "loss", "training", "#06c"), curve(held_out, "loss", "held-out sample", "#c30")});
  body += line_chart("bits per byte", tokens, {curve(held_out, "bits_per_byte", "held-out sample", "#c30")});
  body += line_chart("learning rate, fraction of the peak", tokens, {curve(steps, "rate_scale", "rate", "#083")});
  body += line_chart("gradient norm before clipping", tokens, {curve(steps, "grad_norm", "norm", "#63a")});
  body += line_chart("speed", tokens, {curve(steps, "tokens_per_s", "tokens/s", "#555")});
  return write_file(html, html_page(title, body));
}

}  // namespace adder
