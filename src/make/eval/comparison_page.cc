#include "make/eval/comparison_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "make/chart/chart.h"
#include "make/chart/page.h"

namespace adder {
namespace {

constexpr double kMegabyte = 1e6;

std::string figures_table(std::span<const ComparedChild> children) {
  std::string html =
      "<table><tr><th>model</th><th>MB</th><th>KL divergence</th><th>99 %</th><th>largest</th><th>same top</th>"
      "<th>rms change of p</th><th>perplexity ratio</th><th>accuracy ratio</th></tr>\n";
  for (const ComparedChild& child : children) {
    const DivergenceReport& r = child.report;
    const nlohmann::json kl = r.to_json().at("kl");
    html += fmt::format(
        "<tr><td>{}</td><td>{:.3f}</td><td>{:.3e} ± {:.1e}</td><td>{:.3e}</td><td>{:.3e}</td><td>{:.2f} ± {:.2f} %</td>"
        "<td>{:.3f} %</td><td>{:.5f}</td><td>{:.4f} ± {:.4f}</td></tr>\n",
        escaped(child.name), static_cast<double>(child.bytes) / kMegabyte, r.kl().mean(), r.kl().standard_error(),
        kl.value("p99", 0.0), kl.value("max", 0.0), 100 * r.same_top(), 100 * r.same_top_error(), 100 * r.rms_delta_p(),
        std::exp(r.log_ratio()), r.accuracy_ratio(), r.accuracy_ratio_error());
  }
  return html + "</table>\n";
}

/// Divergence over size: a child that another one beats in both lies above the line.
std::string frontier(std::span<const ComparedChild> children) {
  Curve all{"all", "#999", {}}, best{"best for its size", "#06c", {}};
  for (const ComparedChild& child : children)
    all.points.push_back({static_cast<double>(child.bytes) / kMegabyte, child.report.kl().mean()});
  std::ranges::sort(all.points);
  for (const auto& point : all.points)
    if (best.points.empty() || point.second < best.points.back().second) best.points.push_back(point);
  return line_chart("KL divergence, nats per token", "MB of tensor data", {all, best});
}

std::string layers_chart(const ComparedChild& child) {
  Curve curve{"change, %", "#06c", {}};
  for (const LayerDrift::Layer& layer : child.layers)
    curve.points.push_back({static_cast<double>(curve.points.size()), 100 * layer.change});
  return line_chart("Change of each layer's input, the output's last", "layer", {curve});
}

std::string bits_chart(const ComparedChild& child) {
  std::vector<Bar> bars;
  for (const auto& [name, bits] : child.bits) bars.push_back({name, bits});
  return bar_chart("Bits per weight", bars);
}

std::string errors_table(const ComparedChild& child) {
  std::string table =
      "<table><tr><th>tensor</th><th>parent</th><th>child</th><th>error, rms</th><th>largest</th></tr>\n";
  for (const TensorDifference& tensor : child.tensors)
    table += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.3e}</td><td>{:.3e}</td></tr>\n",
                         escaped(tensor.name), name(*tensor.a), name(*tensor.b), tensor.relative_rms, tensor.max_abs);
  return table + "</table>\n";
}

}  // namespace

std::string comparison_page(const std::string& parent, std::span<const ComparedChild> children) {
  std::string body = figures_table(children);
  if (children.size() > 1) body += frontier(children);
  for (const ComparedChild& child : children) {
    body += fmt::format("<h2>{}</h2>\n", escaped(child.name));
    if (!child.layers.empty()) body += layers_chart(child);
    if (!child.bits.empty()) body += bits_chart(child);
    if (!child.tensors.empty()) body += errors_table(child);
    body += fmt::format("<pre>{}</pre>\n", escaped(child.report.to_text()));
  }
  return html_page("Compared with " + parent, body);
}

}  // namespace adder
