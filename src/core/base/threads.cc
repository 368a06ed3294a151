#include "core/base/threads.h"

#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/cgroup.h"
#include "core/base/check.h"

namespace adder {
namespace {

constexpr int kSpins = 2000;  // some tens of microseconds: longer than the gap between two ops of a token

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

int available_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                      : static_cast<int>(std::thread::hardware_concurrency());
  if (const int limit = cgroup_cpu_limit(); limit > 0) n = std::min(n, limit);
  return std::max(1, n);
}

struct ThreadPool::Shared {
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> epoch{0};
  std::atomic<int> pending{0};
  std::atomic<bool> stop{false};
  const std::function<void(int64_t, int64_t)>* body = nullptr;
  int64_t n = 0, grain = 1;
  std::vector<std::thread> threads;
};

ThreadPool::ThreadPool(int n_threads) : shared_(std::make_unique<Shared>()), n_threads_(n_threads) {
  CHECK(n_threads >= 1, "{}", n_threads);
  for (int member = 1; member < n_threads; ++member) shared_->threads.emplace_back([this, member] { work(member); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(shared_->mutex);
    shared_->stop = true;
    shared_->epoch.fetch_add(1, std::memory_order_release);
  }
  shared_->wake.notify_all();
  for (auto& thread : shared_->threads) thread.join();
}

namespace {
void run_share(const std::function<void(int64_t, int64_t)>& body, int64_t n, int64_t grain, int member, int members) {
  const int64_t pieces = (n + grain - 1) / grain;
  const int64_t begin = pieces * member / members * grain;
  const int64_t end = std::min(n, pieces * (member + 1) / members * grain);
  if (begin < end) body(begin, end);
}
}  // namespace

void ThreadPool::parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  CHECK(grain >= 1, "{}", grain);
  if (n_threads_ == 1 || n <= grain) {
    if (n > 0) body(0, n);
    return;
  }
  Shared& s = *shared_;
  s.body = &body;
  s.n = n;
  s.grain = grain;
  s.pending.store(n_threads_ - 1, std::memory_order_relaxed);
  {
    std::lock_guard lock(s.mutex);
    s.epoch.fetch_add(1, std::memory_order_release);
  }
  s.wake.notify_all();
  run_share(body, n, grain, 0, n_threads_);
  // Members finish together, unless somebody else needs the core one of them runs on: then leave it this one.
  for (int spins = 0; s.pending.load(std::memory_order_acquire) != 0;) {
    if (spins < kSpins) {
      ++spins;
      pause_cpu();
    } else {
      std::this_thread::yield();
    }
  }
}

void ThreadPool::work(int member) {
  Shared& s = *shared_;
  uint64_t seen = 0;
  while (true) {
    for (int spin = 0; spin < kSpins && s.epoch.load(std::memory_order_acquire) == seen; ++spin) pause_cpu();
    if (s.epoch.load(std::memory_order_acquire) == seen) {
      std::unique_lock lock(s.mutex);
      s.wake.wait(lock, [&] { return s.epoch.load(std::memory_order_acquire) != seen; });
    }
    seen = s.epoch.load(std::memory_order_acquire);
    if (s.stop) return;
    run_share(*s.body, s.n, s.grain, member, n_threads_);
    s.pending.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace adder
