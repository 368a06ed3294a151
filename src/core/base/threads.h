#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace adder {

/// Cores this process may use: affinity mask and cgroup CPU quota, at least 1.
int available_threads();

/// A fixed team for data-parallel loops. Work is split statically by output index, so who computes an output never
/// changes what it is. The caller is member 0; workers spin briefly, then sleep (an idle team uses no CPU).
/// One `run` at a time; not reentrant.
class ThreadPool {
 public:
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return n_threads_; }

  /// body(begin, end) over a partition of [0, n) in pieces whose bounds are multiples of `grain` (the last may be
  /// short). Returns when all is done. body must not throw.
  void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

 private:
  struct Shared;
  void work(int member);
  std::unique_ptr<Shared> shared_;
  int n_threads_;
};

}  // namespace adder
