#pragma once

#include "make/train/base/torch.h"

#include <filesystem>
#include <string>

#include "core/text/tokenizer.h"
#include "make/quantize/mix.h"
#include "make/train/nn/parameters.h"

namespace adder {

/// Writes a trained model with its tokenizer: a GGUF file if `out` ends in ".gguf" (any mix), else a Hugging Face
/// directory (F32 or BF16). The file or directory appears whole or not at all. `title` becomes general.name, `training`
/// the first step of its receipt.
Status export_model(const Parameters& params, const TokenizerData& tokenizer, const std::string& title, Mix mix,
                    const std::string& training, const std::filesystem::path& out);

}  // namespace adder
