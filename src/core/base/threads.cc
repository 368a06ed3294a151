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

/// What is left of one member's part, first come, first served: half of it at a time, so that few claims are made and
/// the last ones are short.
struct alignas(64) Part {
  std::atomic<int64_t> next{0};
  int64_t end = 0;

  struct Claim {
    int64_t begin, end;
  };
  Claim claim() {
    int64_t begin = next.load(std::memory_order_relaxed);
    while (begin < end) {
      const int64_t mine = begin + (end - begin + 1) / 2;
      if (next.compare_exchange_weak(begin, mine, std::memory_order_relaxed)) return {begin, mine};
    }
    return {end, end};
  }
};

struct ThreadPool::Team {
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> epoch{0};
  std::atomic<int> pending{0};
  std::atomic<bool> stop{false};
  const Body* body = nullptr;
  int64_t n = 0, grain = 1;
  std::vector<Part> parts;    // in grains, one of each member
  std::exception_ptr thrown;  // by a body, the first
  std::vector<std::thread> threads;

  explicit Team(int n_threads) {
    CHECK(n_threads >= 1, "{}", n_threads);
    parts = std::vector<Part>(static_cast<size_t>(n_threads));
  }
  ~Team();
  void call();
  void share(int member);
  void work(int member);
};

ThreadPool::ThreadPool(int n_threads) : team_(std::make_unique<Team>(n_threads)), n_threads_(n_threads) {
  for (int member = 1; member < n_threads; ++member)
    team_->threads.emplace_back([team = team_.get(), member] { team->work(member); });
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
  const int64_t grains = (n + grain - 1) / grain;
  for (int member = 0; member < n_threads_; ++member) {
    Part& part = team.parts[static_cast<size_t>(member)];
    part.next.store(grains * member / n_threads_, std::memory_order_relaxed);
    part.end = grains * (member + 1) / n_threads_;
  }
  team.pending.store(n_threads_ - 1, std::memory_order_relaxed);
  team.call();
  team.share(0);
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

/// The member's own part, then what the others have not begun: a core that loses time to somebody else is helped.
void ThreadPool::Team::share(int member) {
  const auto members = static_cast<int>(parts.size());
  try {
    for (int i = 0; i < members; ++i) {
      Part& part = parts[static_cast<size_t>((member + i) % members)];
      for (Part::Claim claim = part.claim(); claim.begin < claim.end; claim = part.claim())
        (*body)(claim.begin * grain, std::min(n, claim.end * grain));
    }
  } catch (...) {
    std::lock_guard lock(mutex);
    if (!thrown) thrown = std::current_exception();
  }
}

void ThreadPool::Team::work(int member) {
  uint64_t seen = 0;
  while (true) {
    for (int spin = 0; spin < kSpins && epoch.load(std::memory_order_acquire) == seen; ++spin) pause_cpu();
    if (epoch.load(std::memory_order_acquire) == seen) {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return epoch.load(std::memory_order_acquire) != seen; });
    }
    seen = epoch.load(std::memory_order_acquire);
    if (stop) return;
    share(member);
    pending.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace adder
