#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/arch/config.h"
#include "core/base/result.h"
#include "make/train/loop/recipe_file.h"
#include "make/train/loop/recipe_reader.h"

namespace adder {

/// How a run goes, whatever it makes. Every key of a recipe has to be known, and every key has to be there: a recipe is
/// a record, not a set of wishes.
struct RunRecipe {
  std::string name;

  // [data]
  std::vector<int64_t> held_out;  ///< ids of the books kept for validation
  /// Where in the order of samples the run begins: what follows another run on the same text goes on where that ended.
  int64_t first_sample = 0;

  // [judge]
  std::vector<int64_t>
      judge_at;               ///< steps after which the held-out books are read, besides every checkpoint; 0: before
  int64_t judge_windows = 0;  ///< of them, spread evenly; 0: all

  // [train]
  uint64_t seed = 0;
  int64_t seq_len = 0;  ///< tokens in a window
  int64_t batch = 0;    ///< windows in a step
  /// Parts of a batch computed side by side, each with gradients of its own (sums are in lane order).
  int64_t lanes = 0;
  int64_t micro_batch = 0;  ///< windows computed at once in a lane; a lane accumulates over batch / lanes / micro_batch
  int64_t chunk = 0;        ///< positions in a chunk of the state-space scan
  bool recompute = false;   ///< ForwardOptions::recompute
  int64_t segment = 0;      ///< ForwardOptions::segment
  std::string precision;    ///< of the linear maps: "f32", "bf16", or "fastest", whichever that is on the machine

  // [optimizer]
  std::string optimizer;     ///< "adamw", or "muon": Muon for the layers' matrices, AdamW for all else
  double learning_rate = 0;  ///< peak, AdamW
  double matrix_rate = 0;    ///< peak for the layers' matrices under Muon
  double beta1 = 0, beta2 = 0, weight_decay = 0, clip = 0;

  // [schedule]
  std::string schedule;  ///< "wsd": warm-up, then level until a decay is asked for; "cosine": to a tenth at total_steps
  int64_t warmup_steps = 0, total_steps = 0;

  /// v(table, key, field) for every field: the reader and the manifest are made of it.
  template <class Self, class Visitor>
  static void visit(Self& r, Visitor&& v) {
    v("", "name", r.name);
    v("data", "held_out", r.held_out);
    v("data", "first_sample", r.first_sample);
    v("judge", "at", r.judge_at);
    v("judge", "windows", r.judge_windows);
    v("train", "seed", r.seed);
    v("train", "seq_len", r.seq_len);
    v("train", "batch", r.batch);
    v("train", "lanes", r.lanes);
    v("train", "micro_batch", r.micro_batch);
    v("train", "chunk", r.chunk);
    v("train", "recompute", r.recompute);
    v("train", "segment", r.segment);
    v("train", "precision", r.precision);
    v("optimizer", "kind", r.optimizer);
    v("optimizer", "learning_rate", r.learning_rate);
    v("optimizer", "matrix_rate", r.matrix_rate);
    v("optimizer", "beta1", r.beta1);
    v("optimizer", "beta2", r.beta2);
    v("optimizer", "weight_decay", r.weight_decay);
    v("optimizer", "clip", r.clip);
    v("schedule", "kind", r.schedule);
    v("schedule", "warmup_steps", r.warmup_steps);
    v("schedule", "total_steps", r.total_steps);
  }
};
void check(const RunRecipe& recipe, RecipeReader& reader);

/// A model from nothing but text: the recipe of adder-train pretrain.
struct Recipe : RunRecipe {
  // [model]
  std::string pattern;  ///< one letter a layer, as hybrid_override_pattern
  int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0;
  int64_t num_attention_heads = 0, head_dim = 0, num_key_value_heads = 0;
  int64_t mamba_num_heads = 0, mamba_head_dim = 0, ssm_state_size = 0, n_groups = 0, conv_kernel = 0;
  int64_t max_position_embeddings = 0;
  double init_std = 0;

  template <class Self, class Visitor>
  static void visit(Self& r, Visitor&& v) {
    RunRecipe::visit(r, v);
    v("model", "pattern", r.pattern);
    v("model", "vocab_size", r.vocab_size);
    v("model", "hidden_size", r.hidden_size);
    v("model", "intermediate_size", r.intermediate_size);
    v("model", "num_attention_heads", r.num_attention_heads);
    v("model", "head_dim", r.head_dim);
    v("model", "num_key_value_heads", r.num_key_value_heads);
    v("model", "mamba_num_heads", r.mamba_num_heads);
    v("model", "mamba_head_dim", r.mamba_head_dim);
    v("model", "ssm_state_size", r.ssm_state_size);
    v("model", "n_groups", r.n_groups);
    v("model", "conv_kernel", r.conv_kernel);
    v("model", "max_position_embeddings", r.max_position_embeddings);
    v("model", "init_std", r.init_std);
  }
};

/// Reads and checks a recipe; an unknown, missing or wrong-typed key is an error that names it.
Result<Recipe> read_recipe(const RecipeFile& file);
Result<Recipe> parse_recipe(std::string_view text, std::string_view name);

/// The model it describes, validated.
Result<ModelConfig> model_config(const Recipe& recipe);

}  // namespace adder
