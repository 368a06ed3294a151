#include "tests/memory/failing_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <memory>
#include <string>
#include <thread>

#include "run/state/buffer.h"

namespace adder::testing {
namespace {

using How = FailingMemory::How;

/// A volatile result keeps the compiler from leaving the pair out.
bool gets_memory() {
  try {
    volatile const auto* taken = new std::string(100, 'x');
    delete taken;
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

TEST(FailingMemory, RefusesTheRequestItNames) {
  // Each asks twice: for the object and for its text.
  for (const int64_t n : {1, 2}) {
    const FailingMemory failing(n, How::kOnce);
    const bool first = gets_memory(), second = gets_memory();
    EXPECT_FALSE(first);
    EXPECT_TRUE(second);
  }
  {
    const FailingMemory failing(3, How::kFromThenOn);
    const bool first = gets_memory(), second = gets_memory(), third = gets_memory();
    EXPECT_TRUE(first);
    EXPECT_FALSE(second || third);
  }
  EXPECT_TRUE(gets_memory());
}

TEST(FailingMemory, RefusesMapsAndThreads) {
  bool started = true;
  void* map = nullptr;
  {
    const FailingMemory failing(1, How::kFromThenOn);
    map = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  EXPECT_EQ(map, MAP_FAILED);
  {
    const FailingMemory failing(2, How::kOnce);  // the first is what the thread is to do
    try {
      std::thread([] {}).join();
    } catch (const std::system_error&) {
      started = false;
    }
  }
  EXPECT_FALSE(started);
}

TEST(FailingMemory, FindsEachPlaceOnce) {
  const auto numbers = first_requests([] {
    for (int i = 0; i < 3; ++i) gets_memory();
    gets_memory();
  });
  EXPECT_EQ(numbers, (std::vector<int64_t>{1, 2, 7, 8}));
}

}  // namespace
}  // namespace adder::testing
