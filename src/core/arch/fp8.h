#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/arch/roles.h"
#include "core/formats/hf_directory.h"

namespace adder {

/// The numbers beside a matrix X.weight in FP8 (F8_E4M3), as NVIDIA's Model Optimizer stores them: F32 scalars, each
/// the number that a code of 1 stands for, named X.SUFFIX.
struct Fp8Scales {
  float weight = 1;  ///< weight_scale: W = code * weight
  std::optional<float>
      input;  ///< input_scale: of W's input, for engines that round that to FP8 as well; adder does not
  std::optional<float> cache;  ///< k_scale of a k_proj, v_scale of a v_proj: of the keys or values kept in FP8

  bool operator==(const Fp8Scales&) const = default;
};

/// Of config.json.
inline constexpr const char* kQuantizationKey = "quantization_config";

inline constexpr std::string_view kWeightScale = "weight_scale";
inline constexpr std::string_view kInputScale = "input_scale";
/// "k_scale", "v_scale", "" for roles that make neither keys nor values.
std::string_view cache_scale(Role role);

/// The module of a matrix, without ".weight": backbone.layers.3.mixer.up_proj
std::string module_name(const TensorSpec& spec);
/// backbone.layers.3.mixer.up_proj.weight_scale
std::string scale_name(const TensorSpec& spec, std::string_view suffix);

/// Whether the directory says that matrices are FP8 with a scale each: `quantization_config` in config.json or, as
/// older versions leave it, hf_quant_config.json alone. kUnsupported, by name, for every other method or algorithm.
Result<bool> says_fp8(const HfDirectory& directory);

}  // namespace adder
