#include "make/train/loop/recipe.h"

namespace adder {

void check(const RunRecipe& r, RecipeReader& reader) {
  reader.demand(r.optimizer == "adamw" || r.optimizer == "muon", "optimizer.kind is not adamw or muon");
  reader.demand(r.precision == "f32" || r.precision == "bf16" || r.precision == "fastest",
                "train.precision is not f32, bf16 or fastest");
  reader.demand(r.schedule == "wsd" || r.schedule == "cosine", "schedule.kind is not wsd or cosine");
  reader.demand(r.chunk > 0 && r.seq_len > 0 && r.seq_len % r.chunk == 0,
                "train.seq_len is not a multiple of train.chunk");
  reader.demand(r.segment == 0 || (r.recompute && r.chunk > 0 && r.segment % r.chunk == 0),
                "train.segment is not a multiple of train.chunk, or train.recompute is off");
  reader.demand(r.lanes > 0 && r.micro_batch > 0 && r.batch > 0 && r.batch % (r.lanes * r.micro_batch) == 0,
                "train.batch is not a multiple of lanes x micro_batch");
  reader.demand(r.beta1 < 1 && r.beta2 < 1, "a beta is not below 1");
  reader.demand(r.schedule != "cosine" || r.total_steps > r.warmup_steps,
                "schedule.total_steps is not past the warm-up");
}

Result<Recipe> parse_recipe(std::string_view text, std::string_view name) {
  return parse_recipe_as<Recipe>(text, name);
}

Result<Recipe> read_recipe(const RecipeFile& file) {
  return read_recipe_as<Recipe>(file);
}

Result<ModelConfig> model_config(const Recipe& r) {
  ModelConfig config;
  TRY_ASSIGN(config.layers, parse_pattern(r.pattern, r.intermediate_size, r.num_key_value_heads));
  config.vocab_size = r.vocab_size;
  config.hidden_size = r.hidden_size;
  config.num_attention_heads = r.num_attention_heads;
  config.head_dim = r.head_dim;
  config.mamba_num_heads = r.mamba_num_heads;
  config.mamba_head_dim = r.mamba_head_dim;
  config.ssm_state_size = r.ssm_state_size;
  config.n_groups = r.n_groups;
  config.conv_kernel = r.conv_kernel;
  config.max_position_embeddings = r.max_position_embeddings;
  TRY(validate(config));
  return config;
}

}  // namespace adder
