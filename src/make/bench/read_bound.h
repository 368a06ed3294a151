#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/threads.h"

namespace adder {

/// The roof over token generation, which reads all weights once a pass: bytes per second that a team reads from memory,
/// every thread its own part of a buffer of huge pages (where the system gives them) that was placed by the thread that
/// reads it. It is measured again and again between the runs it is compared with; the best of them counts. A machine
/// that others share has it only now and then: `typical` is what it has half of the time.
class ReadBound {
 public:
  /// Holds `bytes` of memory until the end, rounded down to whole huge pages; less where the system refuses that.
  ReadBound(ThreadPool& pool, int64_t bytes);
  ~ReadBound();
  ReadBound(const ReadBound&) = delete;
  ReadBound& operator=(const ReadBound&) = delete;

  static constexpr int64_t kWantedBytes = int64_t{1} << 30;  ///< no cache keeps a useful part of it
  /// kWantedBytes, or half of what this process could still take without pushing out the files it has mapped.
  static int64_t affordable_bytes();

  /// Two passes over the buffer, as one stream a thread and as four: some machines prefer the one, some the other.
  void measure();

  int64_t bytes() const { return static_cast<int64_t>(words_.size_bytes()); }  ///< 0: no memory, nothing is measured
  double best() const;                                                         ///< bytes/s; 0 before `measure`
  double typical() const;                                                      ///< the median

 private:
  double pass(uint64_t (*sum)(const uint64_t* words, int64_t n));

  ThreadPool& pool_;
  std::span<uint64_t> words_;
  std::vector<double> rates_;  // ascending; of each measurement the better pass
};

}  // namespace adder
