#pragma once

#include <string_view>

namespace adder {

/// What a processor can compute with, as far as OpenBLAS's kernels ask for it.
struct VectorUnits {
  bool avx2 = false;    ///< and FMA
  bool avx512 = false;  ///< F, CD, BW, DQ and VL
};
VectorUnits vector_units();

/// The core whose kernels OpenBLAS is to take instead of those of `chosen` (what openblas_get_corename says), or
/// nothing where `chosen` will do: those are from before AVX2 while the processor is not.
std::string_view better_blas_core(std::string_view chosen, VectorUnits units);

/// OpenBLAS chooses its kernels when it is loaded, by a list of processor models; one that is newer than the list gets
/// kernels for SSE3, with which training was measured to take 2.4 to 2.8 times as long on a Xeon with AVX-512. Where
/// that has happened this starts the program anew with OPENBLAS_CORETYPE naming a core like it, and does not return. A
/// core that the environment names already stays.
void restart_with_better_blas(char** argv);

}  // namespace adder
