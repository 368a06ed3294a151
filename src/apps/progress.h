#pragma once

#include <chrono>
#include <string>

namespace adder {

/// True when a person sees standard error and has not asked for plain text (NO_COLOR, https://no-color.org).
bool stderr_is_terminal();
bool stderr_has_color();

/// A bar on standard error for work that takes more than two seconds; silent before that and when nobody watches.
class Progress {
 public:
  explicit Progress(std::string label);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// 0 to 1. Cheap enough to call at every step.
  void update(double fraction);

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;
  bool visible_ = false;
};

}  // namespace adder
