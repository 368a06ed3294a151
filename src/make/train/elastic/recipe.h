#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "make/train/distill/teacher.h"
#include "make/train/elastic/cost.h"
#include "make/train/elastic/router.h"
#include "make/train/elastic/space.h"
#include "make/train/loop/recipe.h"

namespace adder {

/// [budget] of a recipe: one size or several, each met by the same weights.
struct BudgetRecipe {
  std::string cost;                ///< "parameters", "bytes" (per generated token) or "latency"
  std::vector<std::string> names;  ///< "small", by which `adder run --size` and `adder slice` will know it
  std::vector<double> fractions;   ///< of the parent's cost, descending, at most 1
  std::vector<double> shares;      ///< how often each is drawn for a micro-batch
  double lambda = 0;               ///< weight of the budget's loss beside the task's, per token
  std::vector<double> dead_zone;   ///< relative miss that costs nothing: until two thirds of the run, and then
  double bytes_per_weight = 0, bytes_per_kv = 0, bytes_per_state = 0;  ///< of "bytes"
  int64_t context = 0;                                                 ///< of "bytes"
  std::string latency_table;                                           ///< of "latency", beside the recipe (latency.h)

  template <class Self, class Visitor>
  static void visit(Self& r, Visitor&& v) {
    v("budget", "cost", r.cost);
    v("budget", "names", r.names);
    v("budget", "fractions", r.fractions);
    v("budget", "shares", r.shares);
    v("budget", "lambda", r.lambda);
    v("budget", "dead_zone", r.dead_zone);
    v("budget", "bytes_per_weight", r.bytes_per_weight);
    v("budget", "bytes_per_kv", r.bytes_per_kv);
    v("budget", "bytes_per_state", r.bytes_per_state);
    v("budget", "context", r.context);
    v("budget", "latency_table", r.latency_table);
  }
};

/// The recipe of adder-train elastic.
struct ElasticRecipe : RunRecipe, TeacherRecipe, RouterRecipe, BudgetRecipe {
  std::string preset;           ///< [parent] the shape it must have (core/arch/presets.h); empty: any
  std::vector<double> weights;  ///< [data] shares of the samples, one for each --data folder; none: by their tokens

  // [choices] fractions of the parent's widths, or widths (space.h)
  std::vector<double> hidden, ffn, mamba_heads, attention_heads;
  int64_t hidden_multiple = 0, ffn_multiple = 0;
  int64_t most_dropped = 0;            ///< layers
  std::vector<std::string> per_layer;  ///< axes on which every layer has a choice of its own

  template <class Self, class Visitor>
  static void visit(Self& r, Visitor&& v) {
    RunRecipe::visit(r, v);
    TeacherRecipe::visit(r, v);
    RouterRecipe::visit(r, v);
    BudgetRecipe::visit(r, v);
    v("parent", "preset", r.preset);
    v("data", "weights", r.weights);
    v("choices", "hidden", r.hidden);
    v("choices", "ffn", r.ffn);
    v("choices", "mamba_heads", r.mamba_heads);
    v("choices", "attention_heads", r.attention_heads);
    v("choices", "hidden_multiple", r.hidden_multiple);
    v("choices", "ffn_multiple", r.ffn_multiple);
    v("choices", "most_dropped", r.most_dropped);
    v("choices", "per_layer", r.per_layer);
  }
};
void check(const ElasticRecipe& recipe, RecipeReader& reader);

/// The children of `parent` that the recipe lets the router choose. kUsage for a parent of another shape than the
/// preset, with MLP or attention layers that differ in width, or with fewer layers on its drop list than may go; for a
/// width that would not fit; for a smallest child that is above the smallest budget.
Result<SearchSpace> search_space(const ElasticRecipe& recipe, const ModelConfig& parent,
                                 const std::vector<int>& drop_list);

/// The cost that the recipe counts. `folder` is where its latency table lies.
Result<Cost> cost_of(const ElasticRecipe& recipe, const ModelConfig& parent, const std::filesystem::path& folder);

}  // namespace adder
