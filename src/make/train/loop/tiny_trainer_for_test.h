#pragma once

#include "make/train/loop/trainer.h"
#include "make/train/loop/workbench.h"

#include <gtest/gtest.h>

namespace adder::test {

inline Recipe tiny_recipe(const std::string& optimizer = "muon") {
  Recipe r;
  r.pattern = "M-*";
  r.vocab_size = 24;
  r.hidden_size = 16;
  r.intermediate_size = 32;
  r.num_attention_heads = 2;
  r.head_dim = 8;
  r.num_key_value_heads = 1;
  r.mamba_num_heads = 4;
  r.mamba_head_dim = 8;
  r.ssm_state_size = 8;
  r.n_groups = 2;
  r.conv_kernel = 4;
  r.max_position_embeddings = 64;
  r.init_std = 0.1;
  r.seed = 3;
  r.seq_len = 16;
  r.batch = 4;
  r.lanes = 2;
  r.micro_batch = 1;
  r.chunk = 8;
  r.optimizer = optimizer;
  r.learning_rate = r.matrix_rate = 1e-2;
  r.beta1 = 0.9;
  r.beta2 = 0.95;
  r.weight_decay = 0.1;
  r.clip = 1;
  r.schedule = "wsd";
  r.warmup_steps = 4;
  return r;
}

/// Documents of 40 tokens that count upwards from different starts: learnable, and no window without a boundary long.
inline std::vector<TokenId> counting_stream() {
  std::vector<TokenId> stream;
  for (int document = 0; document < 12; ++document) {
    stream.push_back(1);
    for (int i = 0; i < 40; ++i) stream.push_back(2 + (document * 5 + i) % 22);
  }
  return stream;
}

inline Trainer tiny_trainer(const Recipe& recipe = tiny_recipe(),
                            std::shared_ptr<const Team> team = std::make_shared<const Team>()) {
  Trainer trainer(recipe, {Parameters(model_config(recipe).value(), torch::kFloat32), {}},
                  Mixture(Windows(counting_stream(), 1, recipe.seq_len, recipe.seed)),
                  std::make_shared<CrossEntropy>(Workbench{}.forward(recipe)), std::move(team));
  trainer.params().initialise(recipe.seed, recipe.init_std);
  return trainer;
}

inline std::vector<double> losses(Trainer& trainer, int steps, int threads = 1) {
  std::vector<double> all;
  for (int i = 0; i < steps; ++i) all.push_back(trainer.step(threads).value().loss);
  return all;
}

inline void expect_same_parameters(const Trainer& a, const Trainer& b) {
  for (size_t i = 0; i < a.params().values().size(); ++i) {
    EXPECT_TRUE(a.params().values()[i].equal(b.params().values()[i])) << name(a.params().specs()[i].role);
  }
}

}  // namespace adder::test
