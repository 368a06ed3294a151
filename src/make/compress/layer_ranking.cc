#include "make/compress/layer_ranking.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "run/engine/engine.h"

namespace adder {
namespace {

bool may_go(LayerKind kind, bool attention) {
  return attention || kind != LayerKind::kAttention;
}

/// The forward pass without some layers, whole again at the end of its life.
class Without {
 public:
  Without(Engine& engine, const std::vector<int>& layers, int one_more) : engine_(engine) {
    std::vector<bool> bypassed(engine.model().layers().size());
    for (const int layer : layers) bypassed[static_cast<size_t>(layer)] = true;
    bypassed[static_cast<size_t>(one_more)] = true;
    engine.forward().bypass(std::move(bypassed));
  }
  ~Without() { engine_.forward().bypass({}); }
  Without(const Without&) = delete;
  Without& operator=(const Without&) = delete;

 private:
  Engine& engine_;
};

class LayerRanker {
 public:
  LayerRanker(Engine& engine, LayerRanking& ranking, const RankingOptions& options)
      : engine_(engine), ranking_(ranking), options_(options) {}

  /// Sums of one window over all candidates.
  Status add_window(const Window& window, double done, double share) {
    std::vector<float> whole;
    TRY(run_whole(engine_, window, [&](std::span<const float> logits) -> Status {
      whole.insert(whole.end(), logits.begin(), logits.end());
      return {};
    }));
    for (const float z : whole) ranking_.norm += static_cast<double>(z) * z;

    const std::vector<int> left = candidates();
    for (size_t i = 0; i < left.size(); ++i) {
      const Without without(engine_, ranking_.drop_list, left[i]);
      double& sum = ranking_.sums[static_cast<size_t>(left[i])];
      size_t at = 0;
      TRY(run_whole(engine_, window, [&](std::span<const float> logits) -> Status {
        for (const float z : logits) {
          const double difference = static_cast<double>(whole[at++]) - z;
          sum += difference * difference;
        }
        return {};
      }));
      if (options_.progress)
        TRY(options_.progress(done + share * static_cast<double>(i + 1) / static_cast<double>(left.size())));
    }
    return {};
  }

  Status choose() {
    const std::vector<int> left = candidates();
    const auto sum = [&](int layer) { return ranking_.sums[static_cast<size_t>(layer)]; };
    const int least = *std::ranges::min_element(left, {}, sum);
    const double error = sum(least) / ranking_.norm;
    if (!std::isfinite(error)) return Error::corrupt("the model's logits are not finite on this text, or all zero");
    ranking_.drop_list.push_back(least);
    ranking_.errors.push_back(error);
    ranking_.windows_done = 0;
    ranking_.sums.clear();
    ranking_.norm = 0;
    return {};
  }

 private:
  std::vector<int> candidates() const {
    std::vector<int> left;
    const std::vector<LayerConfig>& layers = engine_.model().config().layers;
    for (int i = 0; i < std::ssize(layers); ++i)
      if (may_go(layers[static_cast<size_t>(i)].kind, options_.attention) &&
          std::ranges::count(ranking_.drop_list, i) == 0)
        left.push_back(i);
    return left;
  }

  Engine& engine_;
  LayerRanking& ranking_;
  const RankingOptions& options_;
};

}  // namespace

int64_t rankable_layers(const ModelConfig& config, bool attention) {
  const int64_t all =
      std::ranges::count_if(config.layers, [&](const LayerConfig& layer) { return may_go(layer.kind, attention); });
  return std::min(all, config.n_layers() - 1);
}

Result<LayerRanking> rank_layers(Engine& engine, std::span<const Window> windows, LayerRanking ranking,
                                 const RankingOptions& options) {
  const ModelConfig& config = engine.model().config();
  CHECK(!windows.empty(), "no windows");
  if (options.count < 0 || options.count > rankable_layers(config, options.attention))
    return Error::usage("{} layers to rank, the model has {} that may go", options.count,
                        rankable_layers(config, options.attention));
  const bool has_begun = !ranking.drop_list.empty() || ranking.windows_done > 0;
  if (has_begun && ranking.attention != options.attention)
    return Error::usage("the ranking so far was begun {} attention layers", ranking.attention ? "with" : "without");
  if (ranking.windows_done > std::ssize(windows))
    return Error::usage("the ranking so far is of {} windows, now there are {}", ranking.windows_done, windows.size());

  ranking.attention = options.attention;
  LayerRanker ranker(engine, ranking, options);
  const double share = 1 / static_cast<double>(options.count * std::ssize(windows));
  while (std::ssize(ranking.drop_list) < options.count) {
    ranking.sums.resize(static_cast<size_t>(config.n_layers()));
    while (ranking.windows_done < std::ssize(windows)) {
      const int64_t windows_before = std::ssize(ranking.drop_list) * std::ssize(windows) + ranking.windows_done;
      TRY(ranker.add_window(windows[static_cast<size_t>(ranking.windows_done)],
                            share * static_cast<double>(windows_before), share));
      ++ranking.windows_done;
      if (options.save) TRY(options.save(ranking));
    }
    TRY(ranker.choose());
  }
  if (options.save) TRY(options.save(ranking));
  return ranking;
}

}  // namespace adder
