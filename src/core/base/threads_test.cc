#include "core/base/threads.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

namespace adder {
namespace {

/// Counts how often each index is visited and checks the bounds of every piece.
void expect_partition(ThreadPool& pool, int64_t n, int64_t grain) {
  std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
  std::atomic<bool> aligned{true};
  pool.parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    if (begin % grain != 0 || (end % grain != 0 && end != n) || begin >= end) aligned = false;
    for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
  });
  for (int64_t i = 0; i < n; ++i)
    ASSERT_EQ(visits[static_cast<size_t>(i)], 1) << i << " of " << n << ", grain " << grain << ", " << pool.size();
  EXPECT_TRUE(aligned) << n << ", grain " << grain << ", " << pool.size();
}

TEST(ThreadPool, CoversEveryIndexOnce) {
  for (const int threads : {1, 2, 3, 4, 7}) {
    ThreadPool pool(threads);
    for (const int64_t n : {0, 1, 2, 3, 5, 31, 32, 33, 64, 100, 1001})
      for (const int64_t grain : {1, 2, 7, 32, 5000}) expect_partition(pool, n, grain);
  }
}

TEST(ThreadPool, OneThatIsHeldUpIsHelped) {
  ThreadPool pool(2);
  std::atomic<int64_t> done{0}, held_up{0};
  pool.parallel_for(64, 1, [&](int64_t begin, int64_t end) {
    if (begin == 0) {  // the first half of the caller's half: everything else can only be done by the other
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (done < 64 - end && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
      held_up = end;
    }
    done += end - begin;
  });
  EXPECT_EQ(held_up, 16);
  EXPECT_EQ(done, 64);
}

TEST(ThreadPool, IsReusedManyTimes) {
  ThreadPool pool(4);
  int64_t total = 0;
  for (int64_t round = 0; round < 1000; ++round) {
    std::vector<int64_t> out(8);
    pool.parallel_for(8, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) out[static_cast<size_t>(i)] = round + i;
    });
    for (const int64_t v : out) total += v;  // plain memory: every write must be visible here
  }
  EXPECT_EQ(total, 8 * (999 * 1000 / 2) + 1000 * 28);
}

TEST(ThreadPool, WakesASleepingTeam) {
  ThreadPool pool(3);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // long past the spinning
    expect_partition(pool, 100, 1);
  }
}

TEST(ThreadPool, HandsOnWhatABodyThrowsOnceAllAreDone) {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const int64_t bad : {0, 150, 299}) {  // in the caller's share, and in those of the others
      std::atomic<int64_t> visits{0};
      const auto visit = [&](int64_t begin, int64_t end) {
        visits += end - begin;
        if (begin <= bad && bad < end) throw std::bad_alloc();
      };
      EXPECT_THROW(pool.parallel_for(300, 1, visit), std::bad_alloc) << threads << " threads, " << bad;
      EXPECT_EQ(visits, 300);
    }
    EXPECT_THROW(pool.parallel_for(300, 1, [](int64_t, int64_t) { throw std::bad_alloc(); }), std::bad_alloc);
    expect_partition(pool, 100, 1);
  }
}

TEST(ThreadPool, SeveralPoolsWorkBesideEachOther) {
  std::vector<std::thread> users;
  for (int user = 0; user < 4; ++user)
    users.emplace_back([] {
      ThreadPool pool(3);
      for (int round = 0; round < 100; ++round) expect_partition(pool, 50, 3);
    });
  for (std::thread& user : users) user.join();
}

TEST(ThreadPool, AnIdleTeamUsesNoCpu) {
  ThreadPool pool(4);
  expect_partition(pool, 100, 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto cpu_seconds = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  };
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(cpu_seconds() - before, 0.1) << "three spinning members would burn up to 0.6 s";
}

TEST(ThreadPool, ComesAndGoesWithoutWork) {
  for (int i = 0; i < 200; ++i) ThreadPool pool(3);
  EXPECT_DEATH(ThreadPool(0), "n_threads");
}

}  // namespace
}  // namespace adder
