#include "make/compress/scores.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/arch/problems.h"
#include "core/base/atomic_file.h"
#include "core/base/hash.h"
#include "core/formats/json.h"

namespace adder {
namespace {

using nlohmann::json;

nlohmann::ordered_json layer_json(const LayerScores& layer) {
  nlohmann::ordered_json object = {{"influence", layer.influence}};
  if (!layer.ffn.empty()) object["d_ff"] = layer.ffn;
  if (!layer.mamba.empty()) object["mamba"] = layer.mamba;
  if (!layer.attention.empty()) object["attention_heads"] = layer.attention;
  return object;
}

nlohmann::ordered_json ranking_json(const LayerRanking& ranking, const std::string& text) {
  return {{"text", text},
          {"attention", ranking.attention},
          {"drop_list", ranking.drop_list},
          {"errors", ranking.errors},
          {"windows_done", ranking.windows_done},
          {"norm", ranking.norm},
          {"sums", ranking.sums}};
}

nlohmann::ordered_json scores_json(const Scores& scores) {
  nlohmann::ordered_json object = {{"model", scores.model},
                                   {"text", scores.text},
                                   {"windows", scores.windows},
                                   {"ffn_reading", name(scores.ffn_reading)},
                                   {"d_model", scores.hidden}};
  object["layers"] = nlohmann::ordered_json::array();
  for (const LayerScores& layer : scores.layers) object["layers"].push_back(layer_json(layer));
  object["ranking"] = ranking_json(scores.ranking, scores.ranking_text);
  return object;
}

/// Fields of one object of the file; what is wrong with them is noted under `where`.
class ScoreFields {
 public:
  ScoreFields(const json& object, std::string where, Problems& problems)
      : object_(object), where_(std::move(where)), problems_(problems) {}

  std::string text(std::string_view key) {
    const json& field = json_member(object_, key);
    if (field.is_string()) return field.get<std::string>();
    problems_.add("{}{} is missing or no text", where_, key);
    return {};
  }
  double number(std::string_view key) {
    const json& field = json_member(object_, key);
    if (field.is_number()) return field.get<double>();
    problems_.add("{}{} is missing or no number", where_, key);
    return 0;
  }
  int64_t whole(std::string_view key) {
    const json& field = json_member(object_, key);
    if (field.is_number_integer() && field >= 0) return field.get<int64_t>();
    problems_.add("{}{} is missing or no whole number", where_, key);
    return 0;
  }
  bool boolean(std::string_view key) {
    const json& field = json_member(object_, key);
    if (field.is_boolean()) return field.get<bool>();
    problems_.add("{}{} is missing or neither true nor false", where_, key);
    return false;
  }
  std::vector<double> numbers(std::string_view key) {
    const json& field = json_member(object_, key);
    if (field.is_array() && std::ranges::all_of(field, [](const json& value) { return value.is_number(); }))
      return field.get<std::vector<double>>();
    problems_.add("{}{} is missing or no list of numbers", where_, key);
    return {};
  }
  std::vector<double> numbers(std::string_view key, int64_t n) {
    std::vector<double> values = numbers(key);
    if (std::ssize(values) != n) problems_.add("{}{} has {} numbers, expected {}", where_, key, values.size(), n);
    return values;
  }

 private:
  const json& object_;
  std::string where_;
  Problems& problems_;
};

LayerScores read_layer(const json& object, int index, const ModelConfig& config, Problems& problems) {
  ScoreFields fields(object, fmt::format("layer {}: ", index), problems);
  const LayerConfig& layer = config.layers[static_cast<size_t>(index)];
  LayerScores scores;
  scores.influence = fields.number("influence");
  if (layer.kind == LayerKind::kMlp) scores.ffn = fields.numbers("d_ff", layer.intermediate_size);
  if (layer.kind == LayerKind::kMamba) scores.mamba = fields.numbers("mamba", config.d_inner());
  if (layer.kind == LayerKind::kAttention)
    scores.attention = fields.numbers("attention_heads", config.num_attention_heads);
  return scores;
}

void read_ranking(const json& object, const ModelConfig& config, Scores& scores, Problems& problems) {
  ScoreFields fields(object, "ranking: ", problems);
  LayerRanking& ranking = scores.ranking;
  scores.ranking_text = fields.text("text");
  ranking.attention = fields.boolean("attention");
  ranking.windows_done = fields.whole("windows_done");
  ranking.norm = fields.number("norm");
  ranking.sums = fields.numbers("sums");
  if (!ranking.sums.empty() && std::ssize(ranking.sums) != config.n_layers())
    problems.add("ranking: sums has {} numbers, expected none or {}", ranking.sums.size(), config.n_layers());
  for (const double value : fields.numbers("drop_list")) {
    const bool is_layer = value >= 0 && value < static_cast<double>(config.n_layers()) && value == std::floor(value);
    const int layer = is_layer ? static_cast<int>(value) : -1;
    if (!is_layer || std::ranges::count(ranking.drop_list, layer) > 0)
      problems.add("ranking: drop_list has {}, expected each layer once, from 0 to {}", value, config.n_layers() - 1);
    else
      ranking.drop_list.push_back(layer);
  }
  ranking.errors = fields.numbers("errors", std::ssize(ranking.drop_list));
}

}  // namespace

std::string_view name(FfnReading reading) {
  return reading == FfnReading::kAfterActivation ? "after" : "before";
}

std::vector<double> Scores::mamba_channels(int layer, const ModelConfig& config) const {
  const std::vector<double>& s = layers[static_cast<size_t>(layer)].mamba;
  const auto width = static_cast<size_t>(config.mamba_head_dim);
  std::vector<double> squares(width);
  for (size_t i = 0; i < s.size(); ++i) squares[i % width] += s[i] * s[i];
  for (double& square : squares) square = std::sqrt(square);
  return squares;
}

std::vector<double> Scores::mamba_heads(int layer, const ModelConfig& config, int64_t channels) const {
  const std::vector<double> of_channel = mamba_channels(layer, config);
  std::vector<size_t> best(of_channel.size());
  std::iota(best.begin(), best.end(), size_t{0});
  std::ranges::stable_sort(best, std::ranges::greater{}, [&](size_t p) { return of_channel[p]; });
  best.resize(static_cast<size_t>(channels));

  const std::vector<double>& s = layers[static_cast<size_t>(layer)].mamba;
  std::vector<double> heads;
  for (size_t head = 0; head < s.size(); head += of_channel.size()) {
    double squares = 0;
    for (const size_t p : best) squares += s[head + p] * s[head + p];
    heads.push_back(std::sqrt(squares));
  }
  return heads;
}

std::string Scores::fingerprint() const {
  const std::string all = scores_json(*this).dump();
  return hash128_hex(std::as_bytes(std::span(all)));
}

Result<Scores> Scores::read(const std::filesystem::path& path, const ModelConfig& config) {
  TRY_ASSIGN(const json object, read_json(path));
  Problems problems;
  ScoreFields fields(object, "", problems);
  Scores scores;
  scores.model = fields.text("model");
  scores.text = fields.text("text");
  scores.windows = fields.whole("windows");
  const std::string reading = fields.text("ffn_reading");
  if (reading != "after" && reading != "before") problems.add("ffn_reading is neither after nor before");
  if (reading == "before") scores.ffn_reading = FfnReading::kBeforeActivation;
  scores.hidden = fields.numbers("d_model", config.hidden_size);
  const json& layers = json_member(object, "layers");
  if (layers.is_array() && std::ssize(layers) == config.n_layers()) {
    for (int i = 0; i < static_cast<int>(config.n_layers()); ++i)
      scores.layers.push_back(read_layer(layers[static_cast<size_t>(i)], i, config, problems));
  } else {
    problems.add("layers is no list of the model's {} layers", config.n_layers());
  }
  read_ranking(json_member(object, "ranking"), config, scores, problems);
  TRY(problems.status(ErrorCode::kCorrupt, path.string()));
  return scores;
}

Status Scores::write(const std::filesystem::path& path) const {
  return write_file(path, scores_json(*this).dump() + '\n');
}

}  // namespace adder
