#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace adder {

/// Mean and spread of values seen one at a time (Welford, Technometrics 1962), in double.
class Moments {
 public:
  void add(double x);

  int64_t count() const { return count_; }
  double mean() const { return mean_; }
  double sum() const { return mean_ * static_cast<double>(count_); }
  double variance() const;        ///< unbiased; 0 for fewer than two values
  double standard_error() const;  ///< of the mean, taking the values as independent

 private:
  int64_t count_ = 0;
  double mean_ = 0, squares_ = 0;
};

/// How two values seen together vary together.
class PairMoments {
 public:
  void add(double x, double y);

  const Moments& x() const { return x_; }
  const Moments& y() const { return y_; }
  const Moments& difference() const { return difference_; }  ///< of y - x
  double correlation() const;                                ///< 0 when one of them does not vary
  double covariance() const;                                 ///< unbiased; 0 for fewer than two pairs

 private:
  Moments x_, y_, difference_;
  double products_ = 0;
};

/// Two-sided 95 % point of Student's t with so many degrees of freedom (at least 1): 12.71, 4.30, ... towards 1.96.
double student_95(int64_t degrees);

/// The value below which the fraction `p` of [0, 1] lies, linear between neighbours. `sorted` is not empty.
double percentile(std::span<const double> sorted, double p);

}  // namespace adder
