#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/arch/config.h"

namespace adder {

/// Shapes by name. The published ones are those of their config.json files.
ModelConfig nano_4b();   ///< NVIDIA-Nemotron-3-Nano-4B: 42 layers, 3,973,556,832 parameters
ModelConfig nano_12b();  ///< NVIDIA-Nemotron-Nano-12B-v2: 62 layers, 12,310,001,152 parameters
ModelConfig nano_9b();   ///< NVIDIA-Nemotron-Nano-9B-v2: 56 layers, 8,888,227,328 parameters
/// About two million parameters in the family's proportions, hidden size no multiple of 256, all others multiples: for
/// tests that must be quick.
ModelConfig tiny();

std::optional<ModelConfig> find_preset(std::string_view name);  ///< "nano-4b", "nano-9b", "nano-12b", "tiny"
std::vector<std::string_view> preset_names();

}  // namespace adder
