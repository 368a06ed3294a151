#pragma once

#include <string_view>

#include "core/arch/config.h"

namespace adder {

/// Widths that are multiples of nothing in particular, layers as in `pattern`.
inline ModelConfig small_config(std::string_view pattern) {
  ModelConfig config;
  config.layers = parse_pattern(pattern, 24, 2).value();
  config.vocab_size = 50;
  config.hidden_size = 20;
  config.num_attention_heads = 4;
  config.head_dim = 16;
  config.mamba_num_heads = 6;
  config.mamba_head_dim = 8;
  config.ssm_state_size = 16;
  config.n_groups = 2;
  config.conv_kernel = 4;
  return config;
}

}  // namespace adder
