#include "make/train/base/torch.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <malloc.h>

#include <chrono>
#include <cstdlib>

namespace adder {

void use_one_thread_per_caller() {
  at::set_num_threads(1);
  // OpenBLAS keeps threads of its own; its setter is looked up because another BLAS may stand in its place.
  using Setter = void (*)(int);
  if (auto set = reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(1);
#ifdef __GLIBC__
  // Activations are allocated and freed in the same order every step: returning them to the system each time would
  // cost a page fault for every 4 KiB.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2147483647);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

PrecisionProbe probe_precision(torch::Device device, int64_t rows, int64_t in, int64_t out) {
  torch::NoGradGuard no_grad;
  const auto rate = [&](torch::ScalarType type) {
    const auto options = torch::TensorOptions().dtype(type).device(device);
    const torch::Tensor x = torch::ones({rows, in}, options), w = torch::ones({out, in}, options);
    const auto run = [&] { return at::linear(x, w).select(0, 0).select(0, 0).item<float>(); };
    run();
    double best_s = 1e9;
    for (int i = 0; i < 3; ++i) {
      const auto start = std::chrono::steady_clock::now();
      run();
      best_s = std::min(best_s, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return 2e-9 * static_cast<double>(rows * in * out) / best_s;
  };
  PrecisionProbe probe;
  probe.f32_gflops = rate(torch::kFloat32);
  probe.bf16_gflops = rate(torch::kBFloat16);
  probe.best = probe.bf16_gflops > probe.f32_gflops ? Precision::kBf16 : Precision::kF32;
  return probe;
}

}  // namespace adder
