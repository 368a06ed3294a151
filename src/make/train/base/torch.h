#pragma once

// The one door to libtorch. It comes first in every file that needs it: libtorch brings glog-like CHECK macros, which
// give way to ours here.
#include <torch/autograd.h>
#include <torch/types.h>

#undef CHECK
#undef DCHECK

#include "core/base/check.h"

namespace adder {

/// One computing thread per caller and an allocator that keeps its pages: training runs its micro-batches on threads of
/// its own, which costs one barrier a step where splitting every small operation over cores would cost thousands.
/// Affects the calling thread (intra-op threads) and the process (BLAS, malloc).
void use_one_thread_per_caller();

/// What the linear maps are computed in. Parameters, norms, scans, softmax and the residual stream stay f32.
enum class Precision { kF32, kBf16 };

/// Times one linear map of the given size in f32 and in bf16 on `device`: the faster, and both rates in GFLOP/s.
struct PrecisionProbe {
  Precision best = Precision::kF32;
  double f32_gflops = 0, bf16_gflops = 0;
};
PrecisionProbe probe_precision(torch::Device device, int64_t rows, int64_t in, int64_t out);

}  // namespace adder
