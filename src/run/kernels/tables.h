#pragma once

#include "run/kernels/ops.h"

namespace adder {

/// The tables themselves, for select.cc and for tables that start from a parent. Calling a row of a table whose level
/// the CPU lacks is an illegal instruction.
const Ops& scalar_ops();
#if defined(__x86_64__)
const Ops& avx2_ops();
const Ops& avx512_ops();
const Ops& avx512vnni_ops();
const Ops& amx_ops();
bool cpu_has_avx2();        ///< AVX2, FMA and F16C, enabled by the operating system
bool cpu_has_avx512();      ///< AVX-512 F, BW, VL and DQ, and all of the above
bool cpu_has_avx512vnni();  ///< its integer products too
bool cpu_has_amx();         ///< those of tiles too; asks the operating system for the right to use them
#endif

}  // namespace adder
