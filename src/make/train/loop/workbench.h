#pragma once

#include "make/train/base/torch.h"

#include <string_view>

#include "make/train/loop/recipe.h"
#include "make/train/nn/model.h"

namespace adder {

/// Where a run computes, and in what.
struct Workbench {
  torch::Device device = torch::kCPU;
  Precision precision = Precision::kF32;

  ForwardOptions forward(const RunRecipe& recipe) const {
    return {.precision = precision, .chunk = recipe.chunk, .recompute = recipe.recompute, .segment = recipe.segment};
  }
};

/// The GPU if libtorch finds one, and the recipe's precision; "fastest" is measured on one linear map of `rows` rows
/// and the given size, and said on stderr. One computing thread per caller from here on (use_one_thread_per_caller).
Workbench open_workbench(std::string_view precision, int64_t rows, int64_t in, int64_t out);

}  // namespace adder
