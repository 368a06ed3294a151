// Built with the flags of avx512.cc and -mavx512vnni (cmake/AdderKernels.cmake).
#define ADDER_LEVEL avx512vnni
#include "run/kernels/x86/vec_avx512.h"
// Integer products.
#include "run/kernels/x86/q8/vnni.h"
//
#include "run/kernels/x86/q8/linear.h"
