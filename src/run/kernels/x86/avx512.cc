// Built with the flags of avx2.cc and -mavx512f -mavx512bw -mavx512vl -mavx512dq (cmake/AdderKernels.cmake).
#define ADDER_LEVEL avx512
#include "run/kernels/x86/vec_avx512.h"
// The bodies, for these vectors.
#include "run/kernels/x86/bodies/table.h"
