#include "make/train/base/blas_kernels.h"

#include <gtest/gtest.h>

namespace adder {
namespace {

TEST(BlasKernels, AreReplacedOnlyWhereTheyAreOlderThanTheProcessor) {
  const VectorUnits old{}, avx2{.avx2 = true}, avx512{.avx2 = true, .avx512 = true};
  EXPECT_EQ(better_blas_core("Prescott", avx512), "SkylakeX");
  EXPECT_EQ(better_blas_core("Prescott", avx2), "Haswell");
  EXPECT_EQ(better_blas_core("Sandybridge", avx2), "Haswell");
  EXPECT_EQ(better_blas_core("Prescott", old), "");
  for (const char* good : {"Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids", "neoversen1"}) {
    EXPECT_EQ(better_blas_core(good, avx512), "") << good;
  }
}

}  // namespace
}  // namespace adder
