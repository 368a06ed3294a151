#include "core/base/system_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace adder {
namespace {

TEST(SystemMemory, IsZeroAndGivesWholePagesBack) {
  constexpr size_t kPages = 5, kPage = 4096;
  const auto memory = system_memory(kPages * kPage);
  ASSERT_TRUE(memory);
  EXPECT_EQ(std::count(memory.get(), memory.get() + kPages * kPage, std::byte{0}), kPages * kPage);
  std::fill_n(memory.get(), kPages * kPage, std::byte{7});
  give_back({memory.get() + 1, 3 * kPage});  // pages 1 and 2 lie in it whole
  EXPECT_EQ(std::count(memory.get(), memory.get() + kPages * kPage, std::byte{7}), (kPages - 2) * kPage);
  EXPECT_EQ(memory.get()[kPage], std::byte{0});
  give_back({memory.get() + 1, 100});
  EXPECT_EQ(memory.get()[1], std::byte{7});
}

TEST(SystemMemory, MayBeNone) {
  EXPECT_FALSE(system_memory(std::numeric_limits<size_t>::max() / 2));
}

}  // namespace
}  // namespace adder
