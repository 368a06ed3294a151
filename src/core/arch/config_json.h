#pragma once

#include <nlohmann/json.hpp>

#include "core/arch/config.h"

namespace adder {

/// The hyper-parameters of a Hugging Face config.json. Layers come as `hybrid_override_pattern` or, in the dialect of
/// the transformers class, as a list `layers_block_type` (words: mamba, attention, mlp; newer: linear_attention,
/// full_attention, mlp). Alternate spellings of a field are accepted; two that disagree are an error. What adder does
/// not implement (biases, other activations, a clamp of dt, a window) is refused where the file asks for it.
/// Missing or wrong-typed fields are all listed. Not yet validated.
Result<ModelConfig> config_from_json(const nlohmann::json& config);

/// The inverse, loadable by transformers. kUnsupported when layers of one kind differ in width: the format has one
/// intermediate_size and one num_key_value_heads.
Result<nlohmann::json> config_json(const ModelConfig& config);

}  // namespace adder
