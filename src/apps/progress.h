#pragma once

#include <chrono>
#include <string>
#include <string_view>

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
  /// The same, with `note` in place of the time that is left if work goes on as it began.
  void update(double fraction, std::string_view note);

 private:
  using Clock = std::chrono::steady_clock;
  /// Whether it is time for another look.
  bool is_due(Clock::time_point now) const;
  void draw(double fraction, std::string_view note, Clock::time_point now);

  std::string label_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;
  bool visible_ = false;
};

}  // namespace adder
