#include "make/train/elastic/recipe.h"

#include <algorithm>
#include <numeric>

#include "core/arch/presets.h"
#include "core/arch/problems.h"

namespace adder {
namespace {

void check_budget(const BudgetRecipe& r, RecipeReader& reader) {
  const size_t n = r.fractions.size();
  reader.demand(r.cost == "parameters" || r.cost == "bytes" || r.cost == "latency",
                "budget.cost is not parameters, bytes or latency");
  reader.demand(n > 0 && r.names.size() == n && r.shares.size() == n,
                "budget.names, fractions and shares are not equally many");
  const auto is_name = [](const std::string& name) {
    return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
  };
  reader.demand(std::ranges::all_of(r.names, is_name), "budget.names are not of small letters, digits, - and _");
  reader.demand(std::ranges::is_sorted(r.fractions, std::greater_equal()) &&
                    std::ranges::all_of(r.fractions, [](double f) { return f > 0 && f <= 1; }),
                "budget.fractions do not descend from at most 1");
  reader.demand(std::accumulate(r.shares.begin(), r.shares.end(), 0.0) > 0, "budget.shares are all 0");
  reader.demand(r.dead_zone.size() == 2, "budget.dead_zone is not two numbers");
  reader.demand(r.cost != "latency" || !r.latency_table.empty(), "budget.latency_table is not named");
  reader.demand(r.cost != "bytes" || r.bytes_per_weight > 0, "budget.bytes_per_weight is 0");
}

/// The widths of one axis; a parent without layers of the kind has nothing to choose.
std::vector<int64_t> choices(RouterAxis axis, const std::vector<double>& given, int64_t parent, int64_t multiple,
                             Problems& problems) {
  if (parent > 0) return problems.take(widths_of(name(axis), given, parent, multiple));
  if (given.size() != 1) problems.add("choices.{}: the parent has no such layers", name(axis));
  return {1};
}

/// The width that all layers of a kind have, 0 if there is none.
int64_t common_width(const ModelConfig& c, LayerKind kind, int64_t LayerConfig::*width, Problems& problems) {
  int64_t common = 0;
  for (const LayerConfig& layer : c.layers) {
    if (layer.kind != kind) continue;
    if (common != 0 && layer.*width != common)
      problems.add("the parent's layers '{}' differ in width ({} and {})", static_cast<char>(kind), common,
                   layer.*width);
    common = layer.*width;
  }
  return common;
}

}  // namespace

void check(const ElasticRecipe& r, RecipeReader& reader) {
  check(static_cast<const RunRecipe&>(r), reader);
  check(static_cast<const TeacherRecipe&>(r), reader);
  check(static_cast<const RouterRecipe&>(r), reader);
  check_budget(r, reader);
  reader.demand(r.total_steps > 0, "schedule.total_steps is 0");
  reader.demand(r.hidden_multiple > 0 && r.ffn_multiple > 0, "a multiple of choices is 0");
  for (const std::string& axis : r.per_layer) {
    reader.demand(axis == "ffn", fmt::format("choices.per_layer has '{}': files have one number for all layers of all "
                                             "axes but ffn",
                                             axis));
  }
}

Result<SearchSpace> search_space(const ElasticRecipe& r, const ModelConfig& parent, const std::vector<int>& drop_list) {
  Problems problems;
  if (const auto preset = find_preset(r.preset); !r.preset.empty() && !preset) {
    problems.add("parent.preset: no shape '{}'", r.preset);
  } else if (preset && preset->pattern() != parent.pattern()) {
    problems.add("the parent is no {}: its layers are {}", r.preset, parent.pattern());
  }
  const int64_t ffn = common_width(parent, LayerKind::kMlp, &LayerConfig::intermediate_size, problems);
  const int64_t kv = common_width(parent, LayerKind::kAttention, &LayerConfig::num_key_value_heads, problems);
  const bool has_mamba = parent.count(LayerKind::kMamba) > 0;
  SearchSpace space{.parent = parent};
  space.ffn_per_layer = !r.per_layer.empty();
  space.hidden = choices(RouterAxis::kHidden, r.hidden, parent.hidden_size, r.hidden_multiple, problems);
  space.ffn = choices(RouterAxis::kFfn, r.ffn, ffn, r.ffn_multiple, problems);
  space.mamba_heads = choices(RouterAxis::kMambaHeads, r.mamba_heads, has_mamba ? parent.mamba_num_heads : 0,
                              parent.n_groups, problems);
  space.attention_heads =
      choices(RouterAxis::kAttentionHeads, r.attention_heads, kv > 0 ? parent.num_attention_heads : 0, kv, problems);
  if (std::ssize(drop_list) < r.most_dropped) {
    problems.add("choices.most_dropped is {}, the parent's drop list has {} layers", r.most_dropped, drop_list.size());
  } else {
    space.dropped.assign(drop_list.begin(), drop_list.begin() + r.most_dropped);
  }
  if (problems.empty()) problems.take(child_config(parent, child_of(space, smallest(space))));
  TRY(problems.status(ErrorCode::kUsage, r.name));
  return space;
}

Result<Cost> cost_of(const ElasticRecipe& r, const ModelConfig& parent, const std::filesystem::path& folder) {
  if (r.cost == "parameters") return parameter_cost(parent);
  if (r.cost == "bytes") {
    return byte_cost(parent, {r.bytes_per_weight, r.bytes_per_kv, r.bytes_per_state, r.context});
  }
  TRY_ASSIGN(LatencyTable table, LatencyTable::read(folder / r.latency_table));
  return latency_cost(parent, std::move(table));
}

}  // namespace adder
