#pragma once

#include "make/train/base/torch.h"

#include <vector>

namespace adder::test {

inline torch::Tensor random(std::vector<int64_t> shape) {
  return at::randn(shape, torch::kFloat64);
}
/// The largest difference of two elements.
inline double distance(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace adder::test
