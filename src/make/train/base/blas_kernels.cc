#include "make/train/base/blas_kernels.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace adder {

VectorUnits vector_units() {
#ifdef __x86_64__
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  return {avx2, avx2 && avx512};
#else
  return {};
#endif
}

std::string_view better_blas_core(std::string_view chosen, VectorUnits units) {
  constexpr std::array<std::string_view, 16> kBeforeAvx2 = {
      "Katmai",  "Coppermine", "Northwood",    "Prescott",  "Banias", "Atom",        "Core2",  "Penryn",
      "Nehalem", "Athlon",     "Opteron_SSE3", "Barcelona", "Nano",   "Sandybridge", "Bobcat", "Dunnington"};
  if (!units.avx2 || std::ranges::find(kBeforeAvx2, chosen) == kBeforeAvx2.end()) return {};
  return units.avx512 ? "SkylakeX" : "Haswell";
}

void restart_with_better_blas(char** argv) {
  constexpr const char* kVariable = "OPENBLAS_CORETYPE";
  if (std::getenv(kVariable)) return;
  // Looked up because another BLAS may stand in OpenBLAS's place.
  using CoreName = char* (*)();
  const auto core_name = reinterpret_cast<CoreName>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  if (!core_name) return;
  const std::string_view better = better_blas_core(core_name(), vector_units());
  if (better.empty()) return;
  setenv(kVariable, better.data(), 1);
  execv("/proc/self/exe", argv);
}

}  // namespace adder
