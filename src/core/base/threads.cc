#include "core/base/threads.h"

#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
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

struct ThreadPool::Team {
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> epoch{0};
  std::atomic<int> pending{0};
  std::atomic<bool> stop{false};
  const Body* body = nullptr;
  int64_t n = 0, grain = 1;
  std::exception_ptr thrown;  // by a body, the first
  std::vector<std::thread> threads;

  ~Team();
  void call();
  void share(int member, int members);
  void work(int member, int members);
};

ThreadPool::ThreadPool(int n_threads) : team_(std::make_unique<Team>()), n_threads_(n_threads) {
  CHECK(n_threads >= 1, "{}", n_threads);
  for (int member = 1; member < n_threads; ++member)
    team_->threads.emplace_back([team = team_.get(), member, n_threads] { team->work(member, n_threads); });
}

ThreadPool::~ThreadPool() = default;

ThreadPool::Team::~Team() {
  stop = true;
  call();
  for (std::thread& thread : threads) thread.join();
}

/// Members look for a new epoch.
void ThreadPool::Team::call() {
  {
    std::lock_guard lock(mutex);
    epoch.fetch_add(1, std::memory_order_release);
  }
  wake.notify_all();
}

void ThreadPool::parallel_for(int64_t n, int64_t grain, Body body) {
  CHECK(grain >= 1, "{}", grain);
  if (n_threads_ == 1 || n <= grain) {
    if (n > 0) body(0, n);
    return;
  }
  Team& team = *team_;
  team.body = &body;
  team.n = n;
  team.grain = grain;
  team.pending.store(n_threads_ - 1, std::memory_order_relaxed);
  team.call();
  team.share(0, n_threads_);
  // Members finish together, unless somebody else needs the core one of them runs on: then leave it this one.
  for (int spins = 0; team.pending.load(std::memory_order_acquire) != 0;) {
    if (spins < kSpins) {
      ++spins;
      pause_cpu();
    } else {
      std::this_thread::yield();
    }
  }
  if (team.thrown) std::rethrow_exception(std::exchange(team.thrown, nullptr));
}

void ThreadPool::Team::share(int member, int members) {
  const int64_t pieces = (n + grain - 1) / grain;
  const int64_t begin = pieces * member / members * grain;
  const int64_t end = std::min(n, pieces * (member + 1) / members * grain);
  if (begin >= end) return;
  try {
    (*body)(begin, end);
  } catch (...) {
    std::lock_guard lock(mutex);
    if (!thrown) thrown = std::current_exception();
  }
}

void ThreadPool::Team::work(int member, int members) {
  uint64_t seen = 0;
  while (true) {
    for (int spin = 0; spin < kSpins && epoch.load(std::memory_order_acquire) == seen; ++spin) pause_cpu();
    if (epoch.load(std::memory_order_acquire) == seen) {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return epoch.load(std::memory_order_acquire) != seen; });
    }
    seen = epoch.load(std::memory_order_acquire);
    if (stop) return;
    share(member, members);
    pending.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace adder
