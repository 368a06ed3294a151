#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/arch/bind.h"
#include "make/convert/convert_tensors.h"
#include "make/fp8/calibrate.h"

namespace adder {

/// Writes `model` as a Hugging Face directory with the matrices of `options.policy` in FP8 and everything else as
/// `convert` would write it: model.safetensors with the tensors, types and scales that Model Optimizer gives them
/// (core/arch/fp8.h, convert_tensors.h) and its words in hf_quant_config.json and config.json (quant_config.h).
/// `scales` as calibrate_fp8 makes them. `recipe` is the step that the receipt tells.
///
/// Errors: an output in GGUF or over the input (kUsage); those of `output_types`, CheckpointWriter and
/// `convert_tensors`. The output appears when it is complete.
Result<std::vector<ConvertedTensor>> write_fp8(const BoundModel& model, const std::filesystem::path& output,
                                               std::vector<Fp8Scales> scales, const Fp8Options& options,
                                               std::string recipe, int threads, const OnConvertProgress& progress = {});

}  // namespace adder
