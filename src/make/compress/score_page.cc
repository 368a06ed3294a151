#include "make/compress/score_page.h"

#include <algorithm>
#include <numeric>

#include "make/chart/chart.h"
#include "make/chart/page.h"

namespace adder {
namespace {

constexpr size_t kCells = 80;

std::string layer_name(int layer, const ModelConfig& config) {
  return fmt::format("{} {}", layer, static_cast<char>(config.layers[static_cast<size_t>(layer)].kind));
}

/// One map with a row for each layer that has scores on this axis; nothing where none has.
template <class ScoresOf>
std::string map_of_axis(const std::string& title, const Scores& scores, const ModelConfig& config,
                        const ScoresOf& scores_of) {
  std::vector<HeatRow> rows;
  for (int i = 0; i < std::ssize(scores.layers); ++i)
    if (std::vector<double> values = scores_of(i); !values.empty())
      rows.push_back({layer_name(i, config), falling_profile(std::move(values), kCells)});
  return rows.empty() ? "" : heat_map(title, rows);
}

std::string influence_chart(const Scores& scores, const ModelConfig& config) {
  std::vector<Bar> bars;
  for (int i = 0; i < std::ssize(scores.layers); ++i)
    bars.push_back({layer_name(i, config), scores.layers[static_cast<size_t>(i)].influence});
  return bar_chart("Block influence: 1 - cosine of the residual stream before and after the layer", bars);
}

std::string ranking_chart(const LayerRanking& ranking, const ModelConfig& config) {
  if (ranking.drop_list.empty()) return "";
  std::vector<Bar> bars;
  for (size_t i = 0; i < ranking.drop_list.size(); ++i)
    bars.push_back({fmt::format("without {}", layer_name(ranking.drop_list[i], config)), ranking.errors[i]});
  return bar_chart("Layers in the order they would go: squared error of the logits, with those above gone too", bars);
}

}  // namespace

std::vector<double> falling_profile(std::vector<double> scores, size_t cells) {
  std::ranges::sort(scores, std::ranges::greater{});
  cells = std::min(cells, scores.size());
  std::vector<double> means;
  for (size_t cell = 0; cell < cells; ++cell) {
    const auto begin = scores.begin() + static_cast<std::ptrdiff_t>(cell * scores.size() / cells);
    const auto end = scores.begin() + static_cast<std::ptrdiff_t>((cell + 1) * scores.size() / cells);
    means.push_back(std::accumulate(begin, end, 0.0) / static_cast<double>(end - begin));
  }
  return means;
}

std::string score_page(const std::string& title, const Scores& scores, const ModelConfig& config) {
  const auto of = [&](int layer) -> const LayerScores& { return scores.layers[static_cast<size_t>(layer)]; };
  std::string body = fmt::format(
      "<p>{} windows of text; FFN neurons read {} their activation. Each row falls from its "
      "best part to its least, dark to light: a row that fades soon has parts to spare.</p>\n",
      scores.windows, name(scores.ffn_reading));
  body += heat_map("Residual channels (d_model)", {{"all", falling_profile(scores.hidden, kCells)}});
  body += map_of_axis("FFN neurons (d_ff)", scores, config, [&](int i) { return of(i).ffn; });
  body += map_of_axis("Mamba heads (mamba_heads)", scores, config, [&](int i) {
    return of(i).mamba.empty() ? std::vector<double>() : scores.mamba_heads(i, config, config.mamba_head_dim);
  });
  body += map_of_axis("Mamba channels, the same of every head (mamba_head_dim)", scores, config, [&](int i) {
    return of(i).mamba.empty() ? std::vector<double>() : scores.mamba_channels(i, config);
  });
  body += map_of_axis("Attention heads (attention_heads)", scores, config, [&](int i) { return of(i).attention; });
  body += ranking_chart(scores.ranking, config);
  body += influence_chart(scores, config);
  return html_page(title, body);
}

}  // namespace adder
