#include "make/train/loop/workbench.h"

namespace adder {

Workbench open_workbench(std::string_view precision, int64_t rows, int64_t in, int64_t out) {
  use_one_thread_per_caller();
  const torch::Device device = torch::hasCUDA() ? torch::kCUDA : torch::kCPU;
  if (precision != "fastest") return {device, precision == "f32" ? Precision::kF32 : Precision::kBf16};
  const PrecisionProbe probe = probe_precision(device, rows, in, out);
  fmt::print(stderr, "linear maps on one core of {}: f32 {:.0f} GFLOP/s, bf16 {:.0f} GFLOP/s; taking {}\n",
             device.str(), probe.f32_gflops, probe.bf16_gflops, probe.best == Precision::kF32 ? "f32" : "bf16");
  return {device, probe.best};
}

}  // namespace adder
