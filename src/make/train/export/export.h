#pragma once

#include "make/train/base/torch.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/arch/receipt.h"
#include "core/text/tokenizer.h"
#include "make/compress/nested.h"
#include "make/quantize/mix.h"
#include "make/train/nn/parameters.h"

namespace adder {

/// What an exported model says of itself.
struct ExportNotes {
  std::string title;               ///< general.name
  std::vector<ReceiptStep> steps;  ///< how it came to be; the export itself is added
  std::optional<NestedRecord> nested = {};
};

/// Writes a trained model with its tokenizer: a GGUF file if `out` ends in ".gguf" (any mix), else a Hugging Face
/// directory (F32 or BF16). The file or directory appears whole or not at all.
Status export_model(const Parameters& params, const TokenizerData& tokenizer, const ExportNotes& notes, Mix mix,
                    const std::filesystem::path& out);

}  // namespace adder
