#include "make/train/data/mixture.h"

#include <algorithm>
#include <numeric>

#include "core/base/check.h"

namespace adder {

Mixture::Mixture(Windows only) : sources_{std::move(only)}, shares_{1}, taken_{0} {}

Mixture::Mixture(std::vector<Windows> sources, std::vector<double> weights)
    : sources_(std::move(sources)), shares_(std::move(weights)), taken_(sources_.size()) {
  const double sum = std::accumulate(shares_.begin(), shares_.end(), 0.0);
  CHECK(!sources_.empty() && shares_.size() == sources_.size() && sum > 0, "{} sources, {} weights of {} in all",
        sources_.size(), shares_.size(), sum);
  for (double& share : shares_) share /= sum;
}

size_t Mixture::next_source() const {
  size_t behind = 0;
  double most = -1;
  for (size_t i = 0; i < shares_.size(); ++i) {
    const double due = shares_[i] * static_cast<double>(next_ + 1) - static_cast<double>(taken_[i]);
    if (shares_[i] > 0 && due > most) behind = i, most = due;
  }
  return behind;
}

void Mixture::begin_at(int64_t sample) {
  if (sample < next_) {
    next_ = 0;
    std::ranges::fill(taken_, 0);
  }
  for (; next_ < sample; ++next_) ++taken_[next_source()];
}

WindowBatch Mixture::batch(int64_t first, int64_t rows) {
  begin_at(first);
  WindowBatch batch{.length = length()};
  for (; next_ < first + rows; ++next_) {
    const size_t source = next_source();
    sources_[source].append(taken_[source]++, batch);
  }
  return batch;
}

}  // namespace adder
