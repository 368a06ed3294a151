// Built with the flags of avx2.cc and -mavx512f -mavx512bw -mavx512vl -mavx512dq (cmake/AdderKernels.cmake).
#define ADDER_LEVEL avx512
#include "run/kernels/x86/flat.h"
#include "run/kernels/x86/vec_avx512.h"
// FP8 goes by halves here: on Intel's processors a multiply-add with a subnormal factor, which fp8.h counts on, is
// slow.
namespace adder::avx512 {
namespace {
int64_t fp8_tokens_at_once(const FlatLinear&) {
  return 0;
}
bool fp8_by_bytes(const FlatLinear&, int64_t, int64_t) {
  return false;
}
}  // namespace
}  // namespace adder::avx512
// The bodies, for these vectors.
#include "run/kernels/x86/bodies/table.h"
