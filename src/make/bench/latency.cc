#include "make/bench/latency.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "core/arch/roles.h"
#include "make/bench/workload.h"
#include "make/synth/synth.h"
#include "make/synth/vocabulary.h"
#include "run/engine/engine.h"

namespace adder {
namespace {

constexpr uint64_t kMostBytes = uint64_t{512} << 20;  // of the longer of two models
constexpr int64_t kPromptTokens = 4;

/// A part at one size: all there is of it in `layers` layers.
struct Point {
  LayerKind kind;
  int64_t hidden, width;
};

std::vector<int64_t> fractions_of(int64_t whole, int64_t multiple) {
  std::vector<int64_t> sizes;
  for (const int64_t quarters : {2, 3, 4}) {
    const int64_t size = std::max(quarters * whole / 4 / multiple, int64_t{1}) * multiple;
    if (sizes.empty() || size > sizes.back()) sizes.push_back(quarters == 4 ? whole : size);
  }
  if (sizes.back() != whole) sizes.push_back(whole);
  return sizes;
}

int64_t largest_of(const ModelConfig& config, LayerKind kind, int64_t LayerConfig::*field) {
  int64_t most = 0;
  for (const LayerConfig& layer : config.layers)
    if (layer.kind == kind) most = std::max(most, layer.*field);
  return most;
}

/// Of an attention layer, or 1.
int64_t kv_heads(const ModelConfig& config) {
  return std::max(largest_of(config, LayerKind::kAttention, &LayerConfig::num_key_value_heads), int64_t{1});
}

class Meter {
 public:
  Meter(const ModelConfig& config, const LatencyOptions& options, size_t n_models)
      : config_(config), options_(options), n_models_(n_models) {}

  /// Of one layer.
  Result<double> layer_us(const Point& at) {
    const int64_t n = layers_for(at);
    ModelConfig model = shape(at);
    model.layers.assign(static_cast<size_t>(n), layer(at));
    TRY_ASSIGN(const double few, token_us(model));
    model.layers.assign(static_cast<size_t>(2 * n), layer(at));
    TRY_ASSIGN(const double many, token_us(model));
    return positive(many - few) / static_cast<double>(n);
  }

  Result<double> head_us(int64_t hidden) {
    const Point small = {LayerKind::kMlp, hidden, 32};
    ModelConfig model = shape(small);
    model.layers.assign(1, layer(small));
    TRY_ASSIGN(const double without, token_us(model));
    model.vocab_size = config_.vocab_size;
    TRY_ASSIGN(const double with, token_us(model));
    return positive(with - without);
  }

 private:
  /// Noise can make a difference of next to nothing negative, and a table has no such times.
  static double positive(double us) { return std::max(us, 0.01); }

  ModelConfig shape(const Point& at) const {
    ModelConfig model = config_;
    model.hidden_size = at.hidden;
    model.vocab_size = kMinSynthVocab;
    if (at.kind == LayerKind::kMamba) model.mamba_num_heads = at.width;
    if (at.kind == LayerKind::kAttention) model.num_attention_heads = at.width;
    return model;
  }
  LayerConfig layer(const Point& at) const {
    LayerConfig layer;
    layer.kind = at.kind;
    if (at.kind == LayerKind::kMlp) layer.intermediate_size = at.width;
    if (at.kind == LayerKind::kAttention) layer.num_key_value_heads = kv_heads(config_);
    return layer;
  }

  int64_t layers_for(const Point& at) const {
    ModelConfig model = shape(at);
    model.layers.assign(1, layer(at));
    uint64_t bytes = 1;
    const auto types = plan_types(options_.mix, model);
    const std::vector<TensorSpec> specs = tensor_specs(model);
    for (size_t i = 0; i < specs.size(); ++i)
      if (specs[i].layer >= 0) bytes += storage_bytes(types[i].type, specs[i].shape.elements());
    const int64_t in_model = std::max(config_.count(at.kind), int64_t{1});
    return std::clamp(static_cast<int64_t>(kMostBytes / 2 / bytes), int64_t{1}, in_model);
  }

  /// The fastest of several answers, by token.
  Result<double> token_us(const ModelConfig& model) {
    const std::filesystem::path path = options_.scratch / fmt::format("adder-latency-{}.gguf", ::getpid());
    auto measured = measure(model, path);
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    if (measured && options_.progress)
      TRY(options_.progress(static_cast<double>(++n_done_) / static_cast<double>(n_models_)));
    return measured;
  }

  Result<double> measure(const ModelConfig& model, const std::filesystem::path& path) const {
    SynthOptions synth;
    synth.mix = options_.mix;
    TRY(synthesize(model, path, synth));
    const Case c{.prompt = kPromptTokens, .generate = options_.tokens};
    TRY_ASSIGN(const auto engine, Engine::open(path, {.threads = options_.threads, .context = c.positions()}));
    Workload workload(engine->forward(), model, engine->options(), [](int64_t) { return true; });
    double best = 0;
    TRY(workload.read_past(c));
    for (int i = 0; i < options_.repetitions + 1; ++i) {  // the first warms up
      TRY(workload.begin(c));
      TRY(workload.read_prompts(c));
      const auto start = std::chrono::steady_clock::now();
      TRY(workload.generate(c));
      const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
      if (i == 1 || (i > 1 && took.count() < best)) best = took.count();
    }
    return best / static_cast<double>(options_.tokens);
  }

  const ModelConfig& config_;
  const LatencyOptions& options_;
  size_t n_models_, n_done_ = 0;
};

Status check_axis(std::string_view name, const std::vector<int64_t>& sizes, int64_t multiple, bool is_used) {
  if (!is_used) return {};
  if (sizes.size() < 2) return Error::usage("{}: expected two sizes or more", name);
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 1 || (i > 0 && sizes[i] <= sizes[i - 1]))
      return Error::usage("{}: {} stands where a larger number must", name, sizes[i]);
    if (sizes[i] % multiple != 0) return Error::usage("{}: {} is no multiple of {}", name, sizes[i], multiple);
  }
  return {};
}

}  // namespace

LatencyGrid default_grid(const ModelConfig& config) {
  return {fractions_of(config.hidden_size, 32),
          fractions_of(largest_of(config, LayerKind::kMlp, &LayerConfig::intermediate_size), 32),
          fractions_of(config.mamba_num_heads, std::max(config.n_groups, int64_t{1})),
          fractions_of(config.num_attention_heads, kv_heads(config))};
}

Status check_grid(const ModelConfig& config, const LatencyGrid& grid) {
  TRY(check_axis("hidden", grid.hidden, 1, true));
  TRY(check_axis("ffn", grid.ffn, 1, config.count(LayerKind::kMlp) > 0));
  TRY(check_axis("mamba_heads", grid.mamba_heads, config.n_groups, config.count(LayerKind::kMamba) > 0));
  return check_axis("attention_heads", grid.attention_heads, kv_heads(config), config.count(LayerKind::kAttention) > 0);
}

Result<nlohmann::ordered_json> measure_latency(const ModelConfig& config, const LatencyGrid& grid,
                                               const LatencyOptions& options) {
  TRY(check_grid(config, grid));
  struct Part {
    const char* name;
    LayerKind kind;
    const std::vector<int64_t>& widths;
  };
  const Part parts[] = {{"mamba", LayerKind::kMamba, grid.mamba_heads},
                        {"attention", LayerKind::kAttention, grid.attention_heads},
                        {"mlp", LayerKind::kMlp, grid.ffn}};
  size_t n_models = 2 * grid.hidden.size();
  for (const Part& part : parts)
    if (config.count(part.kind) > 0) n_models += 2 * grid.hidden.size() * part.widths.size();

  Meter meter(config, options, n_models);
  nlohmann::ordered_json table;
  for (const Part& part : parts) {
    const bool is_there = config.count(part.kind) > 0;
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    const std::vector<int64_t> widths = is_there ? part.widths : std::vector<int64_t>{1, 2};
    for (const int64_t hidden : grid.hidden) {
      std::vector<double> row;
      for (const int64_t width : widths) {
        double us = 1;  // of a layer that no child has
        if (is_there) {
          TRY_ASSIGN(us, meter.layer_us({part.kind, hidden, width}));
        }
        row.push_back(us);
      }
      rows.push_back(row);
    }
    table[part.name] = {{"hidden", grid.hidden}, {"width", widths}, {"us", rows}};
  }
  nlohmann::ordered_json head = nlohmann::ordered_json::array();
  for (const int64_t hidden : grid.hidden) {
    TRY_ASSIGN(const double us, meter.head_us(hidden));
    head.push_back({us});
  }
  table["head"] = {{"hidden", grid.hidden}, {"us", head}};
  return table;
}

}  // namespace adder
