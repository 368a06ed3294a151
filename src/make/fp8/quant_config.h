#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/arch/roles.h"

namespace adder {

/// What a directory says of its FP8 tensors, in the words of NVIDIA's Model Optimizer 0.47, whose name it also bears:
/// that is what vLLM and TensorRT-LLM look for. (Who really wrote the directory is told by its receipt.)
struct Fp8Words {
  nlohmann::json quant_config;         ///< hf_quant_config.json
  nlohmann::json quantization_config;  ///< the field of that name in config.json
};

/// `chosen`: one entry per tensor_specs(config), the tensors in FP8. `cache`: keys and values are to be kept in FP8.
Fp8Words fp8_words(const ModelConfig& config, const std::vector<bool>& chosen, bool cache);

/// Modules that stay as they were, sorted, as patterns: for each the shortest of its prefixes that ends before a dot
/// and that no quantised module shares, as "prefix*", or "prefix.*" if only modules below it are not to match; or its
/// name.
std::vector<std::string> excluded_modules(const std::vector<std::string>& kept,
                                          const std::vector<std::string>& quantized);

}  // namespace adder
