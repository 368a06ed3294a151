#include "make/compress/order.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "core/base/rng.h"

namespace adder {
namespace {

/// Applies `arrange` to each of `groups` equal parts.
template <class Arrange>
std::vector<int64_t> arrange_groups(int64_t n, int64_t groups, const Arrange& arrange) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto size = static_cast<size_t>(n / groups);
  for (size_t begin = 0; begin < order.size(); begin += size) arrange(std::span(order).subspan(begin, size));
  return order;
}

std::vector<int64_t> best_first(const std::vector<double>& scores, int64_t groups = 1) {
  return arrange_groups(std::ssize(scores), groups, [&](std::span<int64_t> part) {
    std::ranges::stable_sort(part, std::ranges::greater{}, [&](int64_t i) { return scores[static_cast<size_t>(i)]; });
  });
}

/// Fisher-Yates, within each group.
std::vector<int64_t> shuffled(int64_t n, int64_t groups, Rng& rng) {
  return arrange_groups(n, groups, [&](std::span<int64_t> part) {
    for (size_t left = part.size(); left > 1; --left) std::swap(part[left - 1], part[rng.below(left)]);
  });
}

std::vector<int> all_but_attention(const ModelConfig& config) {
  std::vector<int> layers;
  for (int i = 0; i < static_cast<int>(config.n_layers()); ++i)
    if (config.layers[static_cast<size_t>(i)].kind != LayerKind::kAttention) layers.push_back(i);
  return layers;
}

}  // namespace

NestedOrder order_by_scores(const ModelConfig& config, const Scores& scores, int64_t channels, DepthBy depth) {
  NestedOrder order;
  order.scores = scores.fingerprint();
  order.hidden = best_first(scores.hidden);
  for (int i = 0; i < static_cast<int>(config.n_layers()); ++i) {
    const LayerScores& of_layer = scores.layers[static_cast<size_t>(i)];
    const auto by_axis = [&](Axis axis, int64_t, int64_t groups) {
      switch (axis) {
        case Axis::kFfn:
          return best_first(of_layer.ffn, groups);
        case Axis::kMambaHeads:
          return best_first(scores.mamba_heads(i, config, channels), groups);
        case Axis::kMambaChannels:
          return best_first(scores.mamba_channels(i, config), groups);
        default:
          return best_first(of_layer.attention, groups);
      }
    };
    order.layers.push_back(order_layer(config, config.layers[static_cast<size_t>(i)], by_axis));
  }
  order.drop_list = scores.ranking.drop_list;
  if (depth == DepthBy::kInfluence) {
    order.drop_list = all_but_attention(config);
    std::ranges::stable_sort(order.drop_list, {},
                             [&](int i) { return scores.layers[static_cast<size_t>(i)].influence; });
  }
  return order;
}

NestedOrder random_order(const ModelConfig& config, uint64_t seed) {
  NestedOrder order;
  order.scores = fmt::format("random {}", seed);
  Rng of_hidden(seed, 0);
  order.hidden = shuffled(config.hidden_size, 1, of_hidden);
  for (int i = 0; i < static_cast<int>(config.n_layers()); ++i) {
    const auto by_axis = [&](Axis axis, int64_t n, int64_t groups) {
      Rng rng(seed, static_cast<uint64_t>(2 + i) * kAxes + static_cast<uint64_t>(axis));
      return shuffled(n, groups, rng);
    };
    order.layers.push_back(order_layer(config, config.layers[static_cast<size_t>(i)], by_axis));
  }
  Rng of_depth(seed, 1);
  order.drop_list = all_but_attention(config);
  for (size_t left = order.drop_list.size(); left > 1; --left)
    std::swap(order.drop_list[left - 1], order.drop_list[of_depth.below(left)]);
  return order;
}

}  // namespace adder
