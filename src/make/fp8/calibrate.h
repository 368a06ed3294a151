#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/arch/fp8.h"
#include "make/eval/windows.h"
#include "make/fp8/policy.h"

namespace adder {

/// What the largest number is taken for, 448 in FP8.
enum class Calibrator : uint8_t {
  kAmax,        ///< the largest there is
  kPercentile,  ///< of inputs one that few exceed; of weights the largest
  kMse,         ///< the limit with the least squared error (Magnitudes::least_squares)
};
std::string_view name(Calibrator calibrator);  ///< "amax", "percentile", "mse"
std::optional<Calibrator> calibrator_from_name(std::string_view name);

/// How other engines are told to keep keys and values.
enum class Fp8Cache : uint8_t {
  kNone,        ///< as they like
  kCast,        ///< in FP8, as they are
  kCalibrated,  ///< in FP8, divided by scales from the samples
};
std::string_view name(Fp8Cache cache);  ///< "none", "cast", "calibrated"
std::optional<Fp8Cache> fp8_cache_from_name(std::string_view name);

struct Fp8Options {
  Fp8Policy policy = Fp8Policy::kSelective;
  Calibrator calibrator = Calibrator::kAmax;
  double percentile = 99.99;
  Fp8Cache cache = Fp8Cache::kCast;
};

/// The scales of every tensor (tensor_specs) that `options.policy` puts into FP8, and of the keys and values, as Model
/// Optimizer would choose them: limit / 448, the limit of an input from all positions of the windows, that of a weight
/// from the weight; q, k and v of a layer, which other engines multiply as one matrix, share theirs. What is zero
/// throughout gets scale 1.
///
/// Errors: matrices that are not F32, F16 or BF16 (kUsage); inputs that grow beyond all numbers (kCorrupt); those of
/// `observe`.
Result<std::vector<Fp8Scales>> calibrate_fp8(Engine& engine, std::span<const Window> windows, const Fp8Options& options,
                                             const std::function<Status(double done)>& progress = {});

}  // namespace adder
