#pragma once

#include <vector>

#include "make/train/data/windows.h"

namespace adder {

/// Windows of several streams in fixed proportions, a function of the sample number alone: sample n comes from the
/// source that is furthest behind its share of the first n + 1, so that every stretch of samples is mixed as the whole.
/// Each source counts its own samples and goes round its own epochs.
class Mixture {
 public:
  explicit Mixture(Windows only);
  /// Sources of one length, as many weights, none negative and not all zero.
  Mixture(std::vector<Windows> sources, std::vector<double> weights);

  /// Samples number first .. first + rows - 1.
  WindowBatch batch(int64_t first, int64_t rows);

  int64_t length() const { return sources_.front().length(); }

 private:
  size_t next_source() const;
  void begin_at(int64_t sample);

  std::vector<Windows> sources_;
  std::vector<double> shares_;
  std::vector<int64_t> taken_;  ///< of each source, before sample `next_`
  int64_t next_ = 0;
};

}  // namespace adder
