#include "make/train/loop/parallel.h"

#include <sched.h>

#include <exception>
#include <thread>
#include <vector>

namespace adder {
namespace {

/// Moves the calling thread to the n-th core it may use, then lets the scheduler have it again. A new thread starts on
/// its parent's core, and on a loaded machine it can stay there, the two sharing one core while others do less urgent
/// work.
void move_to_core(int n) {
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  n %= CPU_COUNT(&allowed);
  int core = 0;
  while (!CPU_ISSET(core, &allowed) || n-- > 0) ++core;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  if (sched_setaffinity(0, sizeof one, &one) == 0) sched_setaffinity(0, sizeof allowed, &allowed);
}

}  // namespace

void run_side_by_side(int n, const std::function<void(int)>& body) {
  std::vector<std::exception_ptr> failures(static_cast<size_t>(n));
  const auto guarded = [&](int i) {
    try {
      if (n > 1) move_to_core(i);
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
