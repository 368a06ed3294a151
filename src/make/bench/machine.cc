#include "make/bench/machine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

#include "core/base/check.h"

namespace adder {
namespace {

constexpr int kPasses = 6;  // the first also brings the pages in

/// Eight independent sums, so that the loop waits for memory and not for additions.
uint64_t sum(const uint64_t* words, int64_t n) {
  uint64_t lanes[8] = {};
  for (int64_t i = 0; i + 8 <= n; i += 8) {
    for (int64_t lane = 0; lane < 8; ++lane) lanes[lane] += words[i + lane];
  }
  uint64_t total = 0;
  for (const uint64_t lane : lanes) total += lane;
  return total;
}

}  // namespace

double read_bandwidth(ThreadPool& pool) {
  constexpr int64_t kWords = kBandwidthBufferBytes / int64_t{sizeof(uint64_t)};
  const std::vector<uint64_t> buffer(static_cast<size_t>(kWords), 1);
  double best = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    std::atomic<uint64_t> total = 0;
    const auto start = std::chrono::steady_clock::now();
    pool.parallel_for(kWords, 4096,
                      [&](int64_t begin, int64_t end) { total += sum(buffer.data() + begin, end - begin); });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    CHECK(total == static_cast<uint64_t>(kWords), "{}", total.load());  // also keeps the loop from being optimised away
    best = std::max(best, static_cast<double>(kBandwidthBufferBytes) / took.count());
  }
  return best;
}

}  // namespace adder
