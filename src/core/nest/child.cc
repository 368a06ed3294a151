#include "core/nest/child.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "core/arch/problems.h"
#include "core/formats/json.h"

namespace adder {
namespace {

constexpr std::array<std::string_view, kAxes> kAxisNames = {"d_model", "d_ff", "mamba_heads", "mamba_head_dim",
                                                            "attention_heads"};

void check_dropped(const ModelConfig& parent, const std::vector<int>& dropped, Problems& problems) {
  for (size_t i = 0; i < dropped.size(); ++i) {
    if (dropped[i] < 0 || dropped[i] >= parent.n_layers())
      problems.add("drop_layers has layer {}, the parent's are 0 to {}", dropped[i], parent.n_layers() - 1);
    if (i > 0 && dropped[i] <= dropped[i - 1])
      problems.add("drop_layers has {} after {}, expected ascending numbers", dropped[i], dropped[i - 1]);
  }
  if (std::ssize(dropped) >= parent.n_layers()) problems.add("drop_layers drops all {} layers", parent.n_layers());
}

void check_width(Axis axis, int64_t width, int64_t of_parent, Problems& problems) {
  if (of_parent == 0 && width != 0)
    problems.add("{} is {}, but the parent has no layer of that kind", name(axis), width);
  else if (width > of_parent || (width < 1 && of_parent > 0))
    problems.add("{} is {}, must be 1 to {}, the parent's", name(axis), width, of_parent);
}

void check_ffn(const ModelConfig& parent, const ChildShape& child, Problems& problems) {
  const std::vector<int64_t> widths = kept_ffn_widths(parent, child);
  if (child.d_ff.size() != 1 && child.d_ff.size() != widths.size()) {
    problems.add("d_ff has {} numbers, expected one for all or {}, one for each FFN layer that stays",
                 child.d_ff.size(), widths.size());
    return;
  }
  for (size_t i = 0; i < widths.size(); ++i)
    check_width(Axis::kFfn, child.d_ff[child.d_ff.size() == 1 ? 0 : i], widths[i], problems);
  if (widths.empty() && child.d_ff.size() == 1 && child.d_ff[0] != whole(parent).d_ff[0])
    problems.add("d_ff is {}, but no FFN layer stays", child.d_ff[0]);
}

void check_heads(const ModelConfig& parent, const ChildShape& child, Problems& problems) {
  if (parent.n_groups > 0 && child.mamba_heads % parent.n_groups != 0)
    problems.add("mamba_heads is {}, no multiple of the {} groups", child.mamba_heads, parent.n_groups);
  for (const int i : kept_layers(parent, child)) {
    const LayerConfig& layer = parent.layers[static_cast<size_t>(i)];
    if (layer.kind == LayerKind::kAttention && child.attention_heads % layer.num_key_value_heads != 0)
      problems.add("attention_heads is {}, no multiple of the {} KV heads of layer {}", child.attention_heads,
                   layer.num_key_value_heads, i);
  }
}

/// Reads the fields of child.json, each of which may be missing.
class ChildFields {
 public:
  ChildFields(const nlohmann::json& object, Problems& problems) : object_(object), problems_(problems) {}

  std::optional<std::vector<int64_t>> numbers(std::string_view name, bool list_only = false) {
    const auto field = object_.find(name);
    if (field == object_.end()) return std::nullopt;
    std::vector<int64_t> values;
    if (!list_only && field->is_number_integer()) values.push_back(field->get<int64_t>());
    const bool is_list = field->is_array() && std::ranges::all_of(*field, [](const nlohmann::json& value) {
                           return value.is_number_integer();
                         });
    if (is_list)
      for (const nlohmann::json& value : *field) values.push_back(value.get<int64_t>());
    if (is_list || !values.empty()) return values;
    problems_.add("{} must be {}a list of whole numbers", name, list_only ? "" : "a whole number or ");
    return std::nullopt;
  }

  void number(std::string_view name, int64_t& value) {
    const auto field = object_.find(name);
    if (field == object_.end()) return;
    if (field->is_number_integer())
      value = field->get<int64_t>();
    else
      problems_.add("{} must be a whole number", name);
  }

  void refuse_others() {
    for (const auto& [key, value] : object_.items())
      if (key != "drop_layers" && std::ranges::count(kAxisNames, key) == 0)
        problems_.add("unknown field {}; fields are drop_layers, {}", key, fmt::join(kAxisNames, ", "));
  }

 private:
  const nlohmann::json& object_;
  Problems& problems_;
};

Status set_mamba_heads(const ModelConfig& parent, const std::vector<int64_t>& heads, ChildShape& child) {
  const auto n_mamba =
      static_cast<size_t>(std::ranges::count(kept_layers(parent, child), LayerKind::kMamba,
                                             [&](int i) { return parent.layers[static_cast<size_t>(i)].kind; }));
  if (heads.size() != 1 && (heads.empty() || heads.size() != n_mamba))
    return Error::usage("child: mamba_heads has {} numbers, expected one for all or {}, one for each that stays",
                        heads.size(), n_mamba);
  if (std::ranges::adjacent_find(heads, std::ranges::not_equal_to{}) != heads.end())
    return Error::unsupported("child: mamba_heads differ from layer to layer ({}), but config.json and GGUF have one",
                              fmt::join(heads, ", "));
  child.mamba_heads = heads.front();
  return {};
}

/// Beyond int's range is as wrong as the number clamped to it.
int layer_number(int64_t value) {
  return static_cast<int>(std::clamp<int64_t>(value, -1, std::numeric_limits<int>::max()));
}

}  // namespace

std::string_view name(Axis axis) {
  return kAxisNames[static_cast<size_t>(axis)];
}

ChildShape whole(const ModelConfig& parent) {
  ChildShape child{parent.hidden_size,    {}, parent.mamba_num_heads,
                   parent.mamba_head_dim, {}, parent.num_attention_heads};
  for (const LayerConfig& layer : parent.layers)
    if (layer.kind == LayerKind::kMlp) child.d_ff.push_back(layer.intermediate_size);
  if (std::ranges::adjacent_find(child.d_ff, std::ranges::not_equal_to{}) == child.d_ff.end())
    child.d_ff.resize(1);  // one for all; 0 where there is no FFN layer
  return child;
}

std::vector<int> kept_layers(const ModelConfig& parent, const ChildShape& child) {
  std::vector<int> kept;
  for (int i = 0; i < static_cast<int>(parent.n_layers()); ++i)
    if (std::ranges::count(child.dropped_layers, i) == 0) kept.push_back(i);
  return kept;
}

std::vector<int64_t> kept_ffn_widths(const ModelConfig& parent, const ChildShape& child) {
  std::vector<int64_t> widths;
  for (const int i : kept_layers(parent, child))
    if (const LayerConfig& layer = parent.layers[static_cast<size_t>(i)]; layer.kind == LayerKind::kMlp)
      widths.push_back(layer.intermediate_size);
  return widths;
}

Result<ModelConfig> child_config(const ModelConfig& parent, const ChildShape& child) {
  Problems problems;
  check_dropped(parent, child.dropped_layers, problems);
  check_width(Axis::kHidden, child.d_model, parent.hidden_size, problems);
  check_width(Axis::kMambaHeads, child.mamba_heads, parent.mamba_num_heads, problems);
  check_width(Axis::kMambaChannels, child.mamba_head_dim, parent.mamba_head_dim, problems);
  check_width(Axis::kAttentionHeads, child.attention_heads, parent.num_attention_heads, problems);
  check_heads(parent, child, problems);
  check_ffn(parent, child, problems);
  TRY(problems.status(ErrorCode::kUsage, "child"));

  ModelConfig config = parent;
  config.layers.clear();
  size_t n_ffn = 0;
  for (const int i : kept_layers(parent, child)) {
    LayerConfig& layer = config.layers.emplace_back(parent.layers[static_cast<size_t>(i)]);
    if (layer.kind == LayerKind::kMlp) layer.intermediate_size = child.d_ff[child.d_ff.size() == 1 ? 0 : n_ffn++];
  }
  config.hidden_size = child.d_model;
  config.mamba_num_heads = child.mamba_heads;
  config.mamba_head_dim = child.mamba_head_dim;
  config.num_attention_heads = child.attention_heads;
  TRY(validate(config));
  return config;
}

nlohmann::ordered_json to_json(const ChildShape& child) {
  nlohmann::ordered_json object = {{"d_model", child.d_model},
                                   {"drop_layers", child.dropped_layers},
                                   {"mamba_heads", child.mamba_heads},
                                   {"mamba_head_dim", child.mamba_head_dim},
                                   {"d_ff", child.d_ff},
                                   {"attention_heads", child.attention_heads}};
  if (child.d_ff.size() == 1) object["d_ff"] = child.d_ff[0];
  return object;
}

Result<ChildShape> child_from_json(const nlohmann::json& object, const ModelConfig& parent) {
  if (!object.is_object()) return Error::corrupt("child: no JSON object");
  Problems problems;
  ChildFields fields(object, problems);
  ChildShape child = whole(parent);
  fields.refuse_others();
  fields.number("d_model", child.d_model);
  fields.number("mamba_head_dim", child.mamba_head_dim);
  fields.number("attention_heads", child.attention_heads);
  const auto dropped = fields.numbers("drop_layers", true);
  if (dropped) std::ranges::transform(*dropped, std::back_inserter(child.dropped_layers), layer_number);
  const auto heads = fields.numbers("mamba_heads");
  const auto d_ff = fields.numbers("d_ff");
  TRY(problems.status(ErrorCode::kUsage, "child"));

  if (heads) TRY(set_mamba_heads(parent, *heads, child));
  if (d_ff) {
    child.d_ff = *d_ff;
  } else if (child.d_ff.size() > 1) {
    child.d_ff = kept_ffn_widths(parent, child);
  }
  TRY(child_config(parent, child));
  return child;
}

Result<ChildShape> read_child(const std::filesystem::path& path, const ModelConfig& parent) {
  TRY_ASSIGN(const nlohmann::json object, read_json(path));
  auto child = child_from_json(object, parent);
  if (!child) return std::move(child).error().in(path.string());
  return child;
}

bool contains(const ModelConfig& parent, const ChildShape& larger, const ChildShape& smaller) {
  const std::vector<int> of_larger = kept_layers(parent, larger), of_smaller = kept_layers(parent, smaller);
  if (!std::ranges::includes(of_larger, of_smaller)) return false;
  const auto ffn_width = [&](const ChildShape& child, const std::vector<int>& kept, int layer) {
    if (child.d_ff.size() == 1) return child.d_ff[0];
    const auto before = std::ranges::count_if(
        kept, [&](int i) { return i < layer && parent.layers[static_cast<size_t>(i)].kind == LayerKind::kMlp; });
    return child.d_ff[static_cast<size_t>(before)];
  };
  const bool is_ffn_inside = std::ranges::all_of(of_smaller, [&](int i) {
    return parent.layers[static_cast<size_t>(i)].kind != LayerKind::kMlp ||
           ffn_width(larger, of_larger, i) >= ffn_width(smaller, of_smaller, i);
  });
  return is_ffn_inside && larger.d_model >= smaller.d_model && larger.mamba_heads >= smaller.mamba_heads &&
         larger.mamba_head_dim >= smaller.mamba_head_dim && larger.attention_heads >= smaller.attention_heads;
}

}  // namespace adder
