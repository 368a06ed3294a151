// Built with -mavx2 -mfma -mf16c (cmake/AdderKernels.cmake).
#define ADDER_LEVEL avx2
#include "run/kernels/x86/vec_avx2.h"
// A body of its own for FP8.
#include "run/kernels/x86/fp8.h"
// The bodies, for these vectors.
#include "run/kernels/x86/bodies/table.h"
// Integer products.
#include "run/kernels/x86/q8/maddubs.h"
//
#include "run/kernels/x86/q8/linear.h"
