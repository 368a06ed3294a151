#pragma once

#include <cstdint>
#include <vector>

#include "core/base/function_ref.h"

namespace adder::testing {

/// Every request of this process for memory (malloc, calloc, realloc and with them operator new, and mmap) or for a
/// thread is numbered from 1 on while one of these exists, and some are refused as a system does that has no more.
/// Under a sanitizer, which needs malloc for itself, operator new stands for it.
class FailingMemory {
 public:
  enum class How { kOnce, kFromThenOn };

  /// Refuses request `n`, or that and all after it.
  FailingMemory(int64_t n, How how);
  ~FailingMemory();
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;

  bool has_refused() const;
};

/// Runs `f`, refusing it nothing. The numbers of those requests that are the first of their place in the program, that
/// is with the same functions on the stack.
std::vector<int64_t> first_requests(FunctionRef<void()> f);

}  // namespace adder::testing
