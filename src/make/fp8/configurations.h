#pragma once

#include <string>
#include <vector>

#include "core/arch/roles.h"

namespace adder {

/// A choice of matrices for FP8, to be tried.
struct Fp8Configuration {
  std::string name;
  std::vector<bool> chosen;  ///< one entry per tensor_specs
};

/// The three policies; the layers without attention, and without their first and last two; each kind of layer and each
/// kind of matrix alone. One that chooses nothing, or the same as one before it, is left out.
std::vector<Fp8Configuration> fp8_configurations(const ModelConfig& config);

}  // namespace adder
