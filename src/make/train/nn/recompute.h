#pragma once

#include "make/train/base/torch.h"

#include <functional>
#include <vector>

namespace adder {

/// f(inputs), one tensor or several, of which nothing but the inputs stays until the backward pass; that computes f
/// once more. f may read leaves besides, to whose gradients it adds then; whatever else has a gradient must be among
/// the inputs. An input may be undefined.
using Recomputable = std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>& inputs)>;
std::vector<torch::Tensor> recomputed(Recomputable f, const std::vector<torch::Tensor>& inputs);

}  // namespace adder
