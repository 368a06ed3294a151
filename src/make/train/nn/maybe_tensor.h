#pragma once

#include "make/train/base/torch.h"

namespace adder {

/// A tensor that may be undefined, which libtorch's custom functions do not take as an argument.
struct MaybeTensor {
  torch::Tensor value;
};

}  // namespace adder
