#include "core/base/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace adder {
namespace {

TEST(Memory, WhatIsAvailableIsLessThanTheMachineHas) {
  EXPECT_GT(available_memory(), 0);
  EXPECT_LT(available_memory(), int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE));
}

TEST(Memory, WhatIsTouchedIsResident) {
  constexpr int64_t kBytes = 64 << 20;
  const int64_t before = resident_bytes();
  {
    const std::vector<char> touched(kBytes, 1);
    EXPECT_GE(resident_bytes() - before, kBytes * 9 / 10);
    EXPECT_GE(peak_resident_bytes(), kBytes);
  }
  EXPECT_GE(peak_resident_bytes() + (1 << 20), resident_bytes());
}

}  // namespace
}  // namespace adder
