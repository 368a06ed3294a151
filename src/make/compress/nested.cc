#include "make/compress/nested.h"

#include <algorithm>
#include <array>

#include "core/arch/config_gguf.h"
#include "core/arch/problems.h"
#include "core/base/check.h"
#include "core/formats/json.h"
#include "core/formats/json_text.h"
#include "make/quantize/carried_metadata.h"

namespace adder {
namespace {

using nlohmann::json;

std::optional<Axis> axis_of(const json& word) {
  const auto* const text = word.get_ptr<const std::string*>();
  for (int i = 0; text && i < kAxes; ++i)
    if (*text == name(static_cast<Axis>(i))) return static_cast<Axis>(i);
  return std::nullopt;
}

void read_drop_list(const json& list, const ModelConfig& config, NestedRecord& record, Problems& problems) {
  if (!list.is_array()) return problems.add("drop_list is missing or no list");
  for (const json& layer : list) {
    const bool is_layer = layer.is_number_integer() && layer >= 0 && layer < config.n_layers();
    if (!is_layer || std::ranges::count(record.drop_list, layer.get<int>()) > 0)
      problems.add("drop_list has {}, expected each layer once, from 0 to {}", layer.dump(), config.n_layers() - 1);
    else
      record.drop_list.push_back(layer.get<int>());
  }
}

void read_permuted(const json& list, NestedRecord& record, Problems& problems) {
  if (!list.is_array()) return problems.add("permuted is missing or no list");
  for (const json& word : list) {
    if (const auto axis = axis_of(word))
      record.permuted.push_back(*axis);
    else
      problems.add("permuted has {}, which is no axis", word.dump());
  }
}

void read_sizes(const json& sizes, const ModelConfig& config, NestedRecord& record, Problems& problems) {
  if (sizes.is_null()) return;
  if (!sizes.is_object()) return problems.add("sizes is no object");
  for (const auto& [name, object] : sizes.items()) {
    if (auto child = child_from_json(object, config))
      record.sizes.push_back({name, std::move(child).value()});
    else
      problems.add("size {}: {}", name, child.error().message());
  }
}

/// config.json as a GGUF file carries it; null if it carries none.
Result<json> carried_config(const std::string& text, std::string_view where) {
  return parse_json(text, fmt::format("{}: {}", where, kHfConfigKey), JsonNumbers::kPython);
}

}  // namespace

ChildShape without_layers(const ModelConfig& parent, const NestedRecord& record, int n_dropped) {
  CHECK(n_dropped >= 0 && n_dropped <= std::ssize(record.drop_list), "{} of {}", n_dropped, record.drop_list.size());
  ChildShape child = whole(parent);
  child.dropped_layers.assign(record.drop_list.begin(), record.drop_list.begin() + n_dropped);
  std::ranges::sort(child.dropped_layers);
  if (child.d_ff.size() > 1) child.d_ff = kept_ffn_widths(parent, child);
  return child;
}

nlohmann::ordered_json to_json(const NestedRecord& record) {
  nlohmann::ordered_json object = {{"drop_list", record.drop_list}};
  object["permuted"] = nlohmann::ordered_json::array();
  for (const Axis axis : record.permuted) object["permuted"].push_back(name(axis));
  object["scores"] = record.scores;
  if (!record.sizes.empty()) object["sizes"] = nlohmann::ordered_json::object();
  for (const NestedSize& size : record.sizes) object["sizes"][size.name] = to_json(size.child);
  return object;
}

Result<NestedRecord> nested_from_json(const json& object, const ModelConfig& config) {
  if (!object.is_object()) return Error::corrupt("{} is no JSON object", kNestedField);
  NestedRecord record;
  Problems problems;
  read_drop_list(json_member(object, "drop_list"), config, record, problems);
  read_permuted(json_member(object, "permuted"), record, problems);
  read_sizes(json_member(object, "sizes"), config, record, problems);
  if (const json& scores = json_member(object, "scores"); scores.is_string())
    record.scores = scores.get<std::string>();
  else
    problems.add("scores is missing or no text");
  TRY(problems.status(ErrorCode::kCorrupt, kNestedField));
  return record;
}

Result<std::optional<NestedRecord>> read_nested(const ModelFile& file, const ModelConfig& config) {
  json hf_config;
  if (file.hf()) {
    hf_config = file.hf()->config();
  } else if (file.gguf()->find(kHfConfigKey)) {
    TRY_ASSIGN(const std::string text, file.gguf()->text(kHfConfigKey));
    TRY_ASSIGN(hf_config, carried_config(text, file.path()));
  }
  const json& object = json_member(hf_config, kNestedField);
  if (object.is_null()) return std::optional<NestedRecord>();
  auto record = nested_from_json(object, config);
  if (!record) return std::move(record).error().in(file.path());
  return std::optional(std::move(record).value());
}

void set_nested(json& hf_config, const std::optional<NestedRecord>& record) {
  hf_config.erase(std::string(kNestedField));
  if (record) hf_config[std::string(kNestedField)] = to_json(*record);
}

Status set_nested(std::vector<GgufEntry>& metadata, const std::optional<NestedRecord>& record) {
  const auto entry = std::ranges::find(metadata, kHfConfigKey, &GgufEntry::key);
  json config = json::object();
  if (entry != metadata.end()) {
    const auto* text = std::get_if<std::string>(&entry->value);
    if (!text) return Error::corrupt("{} is no text", kHfConfigKey);
    TRY_ASSIGN(config, carried_config(*text, "metadata"));
    if (!config.is_object()) return Error::corrupt("{} is no JSON object", kHfConfigKey);
    metadata.erase(entry);
  }
  set_nested(config, record);
  if (!config.empty()) metadata.push_back(gguf_text(std::string(kHfConfigKey), python_json(config)));
  return {};
}

}  // namespace adder
