#include "make/fp8/magnitudes.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/base/check.h"
#include "core/base/half.h"

namespace adder {
namespace {

constexpr uint32_t kNoSign = 0x7fffffff;
constexpr size_t kSizes = size_t{1} << 15;

float size_at(size_t index) {
  return std::bit_cast<float>(static_cast<uint32_t>(index) << 16);
}

}  // namespace

void Magnitudes::add(std::span<const float> x) {
  uint32_t largest = 0, lower = 0;  // as integers: NaN is above all numbers
  for (const float value : x) {
    const uint32_t bits = std::bit_cast<uint32_t>(value) & kNoSign;
    largest = std::max(largest, bits);
    lower |= bits & 0xffffu;
  }
  largest_ = std::bit_cast<float>(std::max(largest, std::bit_cast<uint32_t>(largest_)));
  is_exact_ = is_exact_ && lower == 0;
  if (!counted_) return;
  counts_.resize(kSizes);
  for (const float value : x) ++counts_[(std::bit_cast<uint32_t>(value) & kNoSign) >> 16];
}

void Magnitudes::add(const Magnitudes& other) {
  CHECK(counted_ == other.counted_, "counted and not");
  largest_ = std::bit_cast<float>(std::max(std::bit_cast<uint32_t>(largest_), std::bit_cast<uint32_t>(other.largest_)));
  is_exact_ = is_exact_ && other.is_exact_;
  counts_.resize(std::max(counts_.size(), other.counts_.size()));
  for (size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
}

float Magnitudes::percentile(double percent) const {
  CHECK(counted_, "not counted");
  uint64_t total = 0, seen = 0;
  for (const uint64_t n : counts_) total += n;
  const auto wanted = static_cast<uint64_t>(std::ceil(percent / 100 * static_cast<double>(total)));
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    // The upper end of a size, which is the next one unless all of its numbers are the size itself.
    if (seen >= wanted && counts_[i] > 0) return std::min(largest_, size_at(is_exact_ ? i : i + 1));
  }
  return largest_;
}

double Magnitudes::squared_error(float limit) const {
  const float scale = limit / 448;
  double sum = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    const float x = is_exact_ ? size_at(i) : (size_at(i) + size_at(i + 1)) / 2;
    const double error = static_cast<double>(x) - e4m3_to_float(float_to_e4m3(x / scale)) * scale;
    sum += static_cast<double>(counts_[i]) * error * error;
  }
  return sum;
}

float Magnitudes::least_squares() const {
  CHECK(counted_, "not counted");
  constexpr int kSteps = 39;
  float best = largest_;
  double least = squared_error(best);
  for (int step = 0; step < kSteps; ++step) {
    const float limit = largest_ * (0.25f + 3.75f * static_cast<float>(step) / (kSteps - 1));
    if (!std::isfinite(limit)) break;
    if (const double error = squared_error(limit); error < least) {
      least = error;
      best = limit;
    }
  }
  return best;
}

}  // namespace adder
