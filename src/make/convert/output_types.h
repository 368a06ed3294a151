#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/arch/bind.h"
#include "core/arch/checkpoint_writer.h"
#include "make/quantize/mix.h"

namespace adder {

/// F32, F16, BF16: what either layout may hold for any tensor.
bool is_plain(DType type);

/// What GGUF calls a file whose matrices have this type; null if that is no plain type.
const MixInfo* plain_mix(DType type);

/// The type of each tensor when a model is written in a layout without being quantised: that of the rules at `convert`.
/// `matrices`, a plain type, for all matrices (in a directory for everything); nothing: as they are. kUsage where the
/// layout does not hold a type that the model has.
Result<std::vector<DType>> output_types(const BoundModel& model, Layout layout, std::optional<DType> matrices);

/// ".gguf" says GGUF, anything else is a directory.
Layout layout_of(const std::filesystem::path& output);

/// Errors before any work is done (kUsage): output that is the input, a directory where a file is to be, a directory
/// that is to be split.
Status check_output(const std::filesystem::path& input, const std::filesystem::path& output, uint64_t split_bytes);

}  // namespace adder
