#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "make/chart/chart.h"
#include "make/chart/page.h"
#include "make/fp8/sweep.h"

namespace adder {
namespace {

double megabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

/// Least bytes first.
std::vector<Fp8Point> by_bytes(const Fp8Sweep& sweep) {
  std::vector<Fp8Point> points = sweep.points;
  std::ranges::stable_sort(points, {}, &Fp8Point::bytes_per_token);
  return points;
}

}  // namespace

nlohmann::json to_json(const Fp8Sweep& sweep) {
  nlohmann::json points = nlohmann::json::array();
  for (const Fp8Point& point : sweep.points)
    points.push_back({{"name", point.name},
                      {"bytes_per_token", point.bytes_per_token},
                      {"kl", point.kl.mean()},
                      {"kl_standard_error", point.kl.standard_error()},
                      {"same_top", point.same_top_share()},
                      {"recovery", sweep.recovery(point)},
                      {"on_frontier", sweep.is_on_frontier(point)}});
  return {{"parent_bytes_per_token", sweep.parent_bytes_per_token},
          {"positions", sweep.positions},
          {"configurations", points}};
}

std::string to_html(const Fp8Sweep& sweep, const std::string& title) {
  Curve frontier{"frontier", "#2a6fb0", {}};
  std::vector<Bar> bars;
  std::string rows;
  for (const Fp8Point& point : by_bytes(sweep)) {
    const double kl = point.kl.mean(), error = point.kl.standard_error();
    const bool best = sweep.is_on_frontier(point);
    if (best) frontier.points.emplace_back(megabytes(point.bytes_per_token), kl);
    bars.push_back({.name = point.name, .value = kl, .low = std::max(0.0, kl - error), .high = kl + error});
    rows += fmt::format(
        "<tr><td>{}{}</td><td>{:.1f}</td><td>{:.3e} &#177; {:.1e}</td><td>{:.2f} %</td><td>{:.2f} %</td></tr>\n",
        escaped(point.name), best ? " *" : "", megabytes(point.bytes_per_token), kl, error,
        100 * point.same_top_share(), 100 * sweep.recovery(point));
  }
  if (!frontier.points.empty()) frontier.points.emplace_back(megabytes(sweep.parent_bytes_per_token), 0.0);
  const std::string body = fmt::format(
      "<h1>{}</h1>\n<p>{} positions; the parent reads {:.1f} MB of weights for a token. An asterisk: no other "
      "configuration reads less and diverges less.</p>\n"
      "<table><tr><th>in FP8</th><th>MB a token</th><th>divergence, nats</th><th>same first choice</th>"
      "<th>accuracy of the parent's</th></tr>\n{}</table>\n{}{}",
      escaped(title), sweep.positions, megabytes(sweep.parent_bytes_per_token), rows,
      line_chart("Divergence in nats per token", "MB of weights a token", {frontier}),
      bar_chart("Divergence in nats per token", bars));
  return html_page(title, body);
}

}  // namespace adder
