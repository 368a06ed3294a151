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
constexpr int64_t kLineWords = 64 / sizeof(uint64_t);

/// A cache line, in as few registers as the target has for it.
using Line = uint64_t __attribute__((vector_size(64)));

/// The sum of `streams` runs of n / streams lines each, read side by side.
uint64_t sum(const uint64_t* words, int64_t lines, int64_t streams) {
  Line total = {};
  const int64_t each = lines / streams;
  for (int64_t i = 0; i < each; ++i) {
    for (int64_t s = 0; s < streams; ++s) {
      Line line;
      std::memcpy(&line, words + (s * each + i) * kLineWords, sizeof line);
      total += line;
    }
  }
  uint64_t all = 0;
  for (int64_t lane = 0; lane < kLineWords; ++lane) all += total[lane];
  return all;
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
  pool_.parallel_for(static_cast<int64_t>(words_.size()), kHugePage / int64_t{sizeof(uint64_t)},
                     [&](int64_t begin, int64_t end) { std::fill(&words_[0] + begin, &words_[0] + end, 1); });
}

ReadBound::~ReadBound() {
  if (!words_.empty()) munmap(words_.data(), words_.size_bytes());
}

void ReadBound::measure() {
  if (words_.empty()) return;
  pass(1);
  pass(4);
}

void ReadBound::pass(int64_t streams) {
  std::atomic<uint64_t> total = 0;
  const auto start = std::chrono::steady_clock::now();
  pool_.parallel_for(bytes() / kHugePage, 1, [&](int64_t begin, int64_t end) {
    const int64_t words = kHugePage / int64_t{sizeof(uint64_t)};
    total += sum(words_.data() + begin * words, (end - begin) * words / kLineWords, streams);
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CHECK(total == words_.size(), "{}", total.load());  // also keeps the loop from being optimised away
  best_ = std::max(best_, static_cast<double>(bytes()) / took.count());
}

}  // namespace adder
