#include "make/bench/read_bound.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

#include "core/base/check.h"
#include "core/base/memory.h"

namespace adder {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kHugePageWords = kHugePage / int64_t{sizeof(uint64_t)};

/// The width every target has registers for; a wider one would be split through memory.
using Vector = uint64_t __attribute__((vector_size(16)));
constexpr int64_t kVectorWords = 2, kLineVectors = 4;

/// The sum of n words, read as kStreams runs side by side, a cache line of each in turn. One accumulator for each
/// quarter of a line, so that additions do not wait for each other.
template <int64_t kStreams>
uint64_t sum(const uint64_t* words, int64_t n) {
  const int64_t run = n / kStreams;
  Vector sums[kLineVectors] = {};
  for (int64_t i = 0; i < run; i += kLineVectors * kVectorWords) {
    for (int64_t stream = 0; stream < kStreams; ++stream) {
      for (int64_t part = 0; part < kLineVectors; ++part) {
        Vector loaded;
        std::memcpy(&loaded, words + stream * run + i + part * kVectorWords, sizeof loaded);
        sums[part] += loaded;
      }
    }
  }
  const Vector total = sums[0] + sums[1] + sums[2] + sums[3];
  return total[0] + total[1];
}

}  // namespace

int64_t ReadBound::affordable_bytes() {
  const int64_t available = available_memory();
  if (available == 0) return kWantedBytes;  // the system does not tell
  return std::clamp((available - resident_bytes()) / 2, 8 * kHugePage, kWantedBytes);
}

ReadBound::ReadBound(ThreadPool& pool, int64_t bytes) : pool_(pool) {
  for (bytes = bytes / kHugePage * kHugePage; bytes > 0; bytes = bytes / 2 / kHugePage * kHugePage) {
    void* const memory =
        mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) continue;
    static_cast<void>(madvise(memory, static_cast<size_t>(bytes), MADV_HUGEPAGE));  // a wish
    words_ = {static_cast<uint64_t*>(memory), static_cast<size_t>(bytes) / sizeof(uint64_t)};
    break;
  }
  pool_.parallel_for(static_cast<int64_t>(words_.size()), kHugePageWords,
                     [&](int64_t begin, int64_t end) { std::fill(&words_[0] + begin, &words_[0] + end, 1); });
}

ReadBound::~ReadBound() {
  if (!words_.empty()) munmap(words_.data(), words_.size_bytes());
}

void ReadBound::measure() {
  if (words_.empty()) return;
  const double rate = std::max(pass(sum<1>), pass(sum<4>));
  rates_.insert(std::ranges::upper_bound(rates_, rate), rate);
}

double ReadBound::best() const {
  return rates_.empty() ? 0 : rates_.back();
}

double ReadBound::typical() const {
  return rates_.empty() ? 0 : (rates_[(rates_.size() - 1) / 2] + rates_[rates_.size() / 2]) / 2;
}

double ReadBound::pass(uint64_t (*sum)(const uint64_t*, int64_t)) {
  std::atomic<uint64_t> total = 0;
  const auto start = std::chrono::steady_clock::now();
  pool_.parallel_for(bytes() / kHugePage, 1, [&](int64_t begin, int64_t end) {
    total += sum(words_.data() + begin * kHugePageWords, (end - begin) * kHugePageWords);
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CHECK(total == words_.size(), "{}", total.load());  // also keeps the loop from being optimised away
  return static_cast<double>(bytes()) / took.count();
}

}  // namespace adder
