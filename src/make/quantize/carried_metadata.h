#pragma once

#include <vector>

#include "core/arch/bind.h"

namespace adder {

// Texts of a Hugging Face directory that GGUF has no keys for, kept as compact JSON so that a conversion back finds
// them. Other programs do not look at them.
inline constexpr std::string_view kHfConfigKey = "adder.hf.config";
inline constexpr std::string_view kHfTokenizerConfigKey = "adder.hf.tokenizer_config";
inline constexpr std::string_view kHfGenerationConfigKey = "adder.hf.generation_config";
/// The type each tensor of the model had there, in the order of tensor_specs.
inline constexpr std::string_view kHfTypesKey = "adder.hf.types";

/// What a GGUF file made from this model says beside its config: all metadata of a GGUF file; of a directory name,
/// tokenizer (none without tokenizer.json), advice on sampling, chat template and the texts above.
Result<std::vector<GgufEntry>> carried_metadata(const BoundModel& model);

}  // namespace adder
