#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/kernels/tables.h"

namespace adder {

// The compiler's own test also asks the operating system (XGETBV) whether it saves the wider registers. It does not
// know F16C by name everywhere, so that bit is read here: CPUID leaf 1, ECX bit 29.
bool cpu_has_avx2() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const bool f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx >> 29 & 1u) != 0;
  return f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool cpu_has_avx512() {
  return cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

bool cpu_has_avx512vnni() {
  return cpu_has_avx512() && __builtin_cpu_supports("avx512vnni");
}

// Tiles and their products of bytes are CPUID leaf 7, EDX bits 24 and 25. A process must ask Linux for the tiles' 8 KB
// of state (ARCH_REQ_XCOMP_PERM, component 18), once for all of its threads; a kernel that does not know of them
// refuses.
bool cpu_has_amx() {
  static const bool kHas = [] {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    const bool tiles = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx >> 24 & 3u) == 3;
    constexpr int kRequestPermission = 0x1023, kTileData = 18;
    return tiles && cpu_has_avx512vnni() && ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return kHas;
}

}  // namespace adder
