#pragma once

#include "core/arch/bind.h"
#include "make/verify/diff.h"

namespace adder {

// The parts of a DiffReport that are not tensors.
std::vector<FieldDifference> diff_configs(const ModelConfig& a, const ModelConfig& b);
/// A model without a vocabulary differs from one with in the field "tokenizer"; kCorrupt and kUnsupported as when read.
Result<std::vector<FieldDifference>> diff_tokenizers(const ModelFile& a, const ModelFile& b);
/// Nothing for models in two layouts.
std::vector<FieldDifference> diff_metadata(const ModelFile& a, const ModelFile& b);

}  // namespace adder
