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

// GCC 12 follows a replaced operator delete into free() and misses that the replaced operator new came from malloc().
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

// All forms that compiled code calls: a sanitizer brings its own of those that are not replaced, and theirs do not
// count.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  allocated_bytes += size;
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new(size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void* operator new[](size_t size) {
  return operator new(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return operator new(size, std::nothrow);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t) noexcept {
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
