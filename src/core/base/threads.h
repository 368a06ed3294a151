#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/base/function_ref.h"

namespace adder {

/// Cores this process may use: affinity mask and cgroup CPU quota, at least 1.
int available_threads();

/// A fixed team for data-parallel loops. Work is shared out by output index, each member first an equal part and then
/// what others have not begun; who computes an output never changes what it is. The caller is member 0; workers spin
/// briefly, then sleep (an idle team uses no CPU). One `parallel_for` at a time; not reentrant.
class ThreadPool {
 public:
  /// Throws std::system_error or std::bad_alloc where the system does not start so many threads.
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return n_threads_; }

  using Body = FunctionRef<void(int64_t begin, int64_t end)>;

  /// body(begin, end) over a partition of [0, n) in pieces whose bounds are multiples of `grain` (the last may be
  /// short); a member comes by log2 of its part's grains of them. Returns when all is done, and takes no memory. Should
  /// a body throw, the others go on to their end, and the first exception comes out here.
  void parallel_for(int64_t n, int64_t grain, Body body);

 private:
  struct Team;
  std::unique_ptr<Team> team_;
  int n_threads_;
};

}  // namespace adder
