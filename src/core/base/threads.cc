#include "core/base/threads.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/check.h"

namespace adder {
namespace {

constexpr int kSpins = 2000;  // some tens of microseconds: longer than the gap between two ops of a token

/// cgroup v2 `cpu.max` ("200000 100000" or "max 100000"), v1 as two files. 0 when there is no quota.
int cgroup_cpu_quota() {
  double quota = 0, period = 0;
  std::string first;
  if (std::ifstream file("/sys/fs/cgroup/cpu.max"); file >> first >> period) {
    if (first == "max") return 0;
    quota = std::strtod(first.c_str(), nullptr);
  } else {
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? std::max(1, static_cast<int>(std::ceil(quota / period))) : 0;
}

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
  if (const int quota = cgroup_cpu_quota(); quota > 0) n = std::min(n, quota);
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
  DCHECK(grain >= 1);
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
  while (s.pending.load(std::memory_order_acquire) != 0) pause_cpu();
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
