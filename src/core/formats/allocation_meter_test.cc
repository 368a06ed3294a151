#include "core/formats/testing/allocation_meter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

namespace {
std::atomic<size_t> allocated_bytes{0};
}  // namespace

// The array and nothrow forms of the standard library call these two.
void* operator new(size_t size) {
  allocated_bytes += size;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace adder::testing {

AllocationMeter::AllocationMeter() {
  allocated_bytes = 0;
}
size_t AllocationMeter::bytes() const {
  return allocated_bytes;
}

TEST(AllocationMeter, SeesWhatContainersTake) {
  const AllocationMeter meter;
  EXPECT_EQ(meter.bytes(), 0u);
  { const std::vector<std::byte> bytes(1000); }
  EXPECT_EQ(meter.bytes(), 1000u);
  { const auto bytes = std::make_unique<std::byte[]>(50); }
  EXPECT_EQ(meter.bytes(), 1050u);
}

}  // namespace adder::testing
