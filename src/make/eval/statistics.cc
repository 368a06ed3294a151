#include "make/eval/statistics.h"

#include <array>
#include <cmath>

#include "core/base/check.h"

namespace adder {

void Moments::add(double x) {
  ++count_;
  const double before = x - mean_;
  mean_ += before / static_cast<double>(count_);
  squares_ += before * (x - mean_);
}

double Moments::variance() const {
  return count_ < 2 ? 0 : squares_ / static_cast<double>(count_ - 1);
}
double Moments::standard_error() const {
  return count_ == 0 ? 0 : std::sqrt(variance() / static_cast<double>(count_));
}

void PairMoments::add(double x, double y) {
  const double x_before = x - x_.mean();
  x_.add(x);
  y_.add(y);
  difference_.add(y - x);
  products_ += x_before * (y - y_.mean());
}

double PairMoments::covariance() const {
  return x_.count() < 2 ? 0 : products_ / static_cast<double>(x_.count() - 1);
}

double PairMoments::correlation() const {
  const double scale = std::sqrt(x_.variance() * y_.variance());
  return scale > 0 ? covariance() / scale : 0;
}

double student_95(int64_t degrees) {
  CHECK(degrees >= 1, "{}", degrees);
  constexpr std::array<double, 4> kFew = {12.706205, 4.302653, 3.182446, 2.776445};
  if (degrees <= static_cast<int64_t>(kFew.size())) return kFew[static_cast<size_t>(degrees - 1)];
  // Abramowitz and Stegun 26.7.5 about the normal distribution's 1.96: off by 3e-4 at five degrees, less beyond.
  const double n = static_cast<double>(degrees);
  return 1.9599640 + (2.3722713 + (2.8224986 + (2.5558497 + 1.5895341 / n) / n) / n) / n;
}

double percentile(std::span<const double> sorted, double p) {
  CHECK(!sorted.empty() && p >= 0 && p <= 1, "{} values, p {}", sorted.size(), p);
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  if (below + 1 == sorted.size()) return sorted.back();
  const double part = place - static_cast<double>(below);
  return (1 - part) * sorted[below] + part * sorted[below + 1];
}

}  // namespace adder
