#include "make/train/loop/report.h"

#include <algorithm>
#include <cmath>

#include "core/base/atomic_file.h"
#include "make/train/loop/metrics.h"

namespace adder {
namespace {

constexpr double kWidth = 720, kHeight = 280, kLeft = 56, kRight = 12, kTop = 34, kBottom = 36;

struct Range {
  double low = INFINITY, high = -INFINITY;
  void include(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  double fraction(double v) const { return high > low ? (v - low) / (high - low) : 0.5; }
};

/// 1, 2 or 5 times a power of ten, so that about five fit into the range.
double tick_step(const Range& range) {
  const double rough = (range.high - range.low) / 5;
  if (!(rough > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(rough))), digit = rough / power;
  return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

double x_of(const Range& range, double v) {
  return kLeft + range.fraction(v) * (kWidth - kLeft - kRight);
}
double y_of(const Range& range, double v) {
  return kHeight - kBottom - range.fraction(v) * (kHeight - kTop - kBottom);
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

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

std::string svg_chart(const std::string& title, const std::string& x_axis, const std::vector<Curve>& curves) {
  Range xs, ys;
  for (const Curve& curve : curves) {
    for (const auto& [x, y] : curve.points) {
      xs.include(x);
      ys.include(y);
    }
  }
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">"
      "<text x=\"{2}\" y=\"16\" class=\"title\">{3}</text><text x=\"{4}\" y=\"{5}\" text-anchor=\"end\">{6}</text>\n",
      kWidth, kHeight, kLeft, escaped(title), kWidth - kRight, kHeight - 4, escaped(x_axis));
  if (xs.low <= xs.high) {
    for (double v = std::ceil(ys.low / tick_step(ys)) * tick_step(ys); v <= ys.high; v += tick_step(ys)) {
      svg += fmt::format(
          "<path class=\"grid\" d=\"M{} {:.1f}H{}\"/><text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.4g}</text>\n",
          kLeft, y_of(ys, v), kWidth - kRight, kLeft - 6, y_of(ys, v) + 4, v);
    }
    for (double v = std::ceil(xs.low / tick_step(xs)) * tick_step(xs); v <= xs.high; v += tick_step(xs)) {
      svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.4g}</text>\n", x_of(xs, v),
                         kHeight - kBottom + 16, v);
    }
  }
  double legend = kWidth - kRight;
  for (const Curve& curve : curves) {
    if (curve.points.empty()) continue;
    std::string path;
    for (const auto& [x, y] : curve.points) path += fmt::format("{:.1f},{:.1f} ", x_of(xs, x), y_of(ys, y));
    svg += fmt::format("<polyline points=\"{}\" stroke=\"{}\"/>", path, curve.colour);
    svg += fmt::format("<text x=\"{}\" y=\"16\" text-anchor=\"end\" fill=\"{}\">{} {:.4g}</text>\n", legend,
                       curve.colour, escaped(curve.name), curve.points.back().second);
    legend -= 150;
  }
  return svg + "</svg>\n";
}

Status write_report(const std::filesystem::path& metrics, const std::filesystem::path& html, const std::string& title) {
  TRY_ASSIGN(const auto steps, Metrics(metrics).read("step"));
  TRY_ASSIGN(const auto held_out, Metrics(metrics).read("held_out"));
  const std::string tokens = "million tokens seen";
  std::string page = fmt::format(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title>\n"
      "<style>body{{font:14px sans-serif;margin:2em;max-width:760px}}svg{{display:block;margin:1em 0}}"
      "svg{{font-size:12px}}.title{{font-size:14px}}"
      "polyline{{fill:none;stroke-width:1.5}}.grid{{stroke:#ddd}}</style>\n<h1>{0}</h1>\n",
      escaped(title));
  page += svg_chart("loss, nats per token", tokens,
                    {curve(steps, "loss", "training", "#06c"), curve(held_out, "loss", "held-out sample", "#c30")});
  page += svg_chart("bits per byte", tokens, {curve(held_out, "bits_per_byte", "held-out sample", "#c30")});
  page += svg_chart("learning rate, fraction of the peak", tokens, {curve(steps, "rate_scale", "rate", "#083")});
  page += svg_chart("gradient norm before clipping", tokens, {curve(steps, "grad_norm", "norm", "#63a")});
  page += svg_chart("speed", tokens, {curve(steps, "tokens_per_s", "tokens/s", "#555")});
  return write_file(html, page + "</html>\n");
}

}  // namespace adder
