#pragma once

#include "make/train/base/torch.h"

namespace adder {

/// Where a run computes, and in what.
struct Workbench {
  torch::Device device = torch::kCPU;
  Precision precision = Precision::kF32;
};

/// The GPU if libtorch finds one; the faster precision, measured on one linear map of `rows` rows and the given size.
/// Says so on stderr. One computing thread per caller from here on (use_one_thread_per_caller).
Workbench open_workbench(int64_t rows, int64_t in, int64_t out);

}  // namespace adder
