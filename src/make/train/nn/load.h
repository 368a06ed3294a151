#pragma once

#include "make/train/nn/parameters.h"

#include "core/arch/bind.h"

namespace adder {

/// The weights of a model file, decoded to the type of `options`.
Result<Parameters> load_parameters(const BoundModel& model, torch::TensorOptions options);

}  // namespace adder
