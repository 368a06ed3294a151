// Built with the flags of avx512vnni.cc and -mamx-tile -mamx-int8 (cmake/AdderKernels.cmake).
#define ADDER_LEVEL amx
#include "run/kernels/x86/vec_avx512.h"
// What the registers of integers are for.
#include "run/kernels/x86/q8/vnni.h"
//
#include "run/kernels/x86/q8/tiles.h"
