#include "make/train/loop/parallel.h"

#include <exception>
#include <thread>
#include <vector>

namespace adder {

void run_side_by_side(int n, const std::function<void(int)>& body) {
  std::vector<std::exception_ptr> failures(static_cast<size_t>(n));
  const auto guarded = [&](int i) {
    try {
      body(i);
    } catch (...) {
      failures[static_cast<size_t>(i)] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (int i = 1; i < n; ++i) others.emplace_back(guarded, i);
    guarded(0);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace adder
