#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace adder {

/// Energy from sensors that show power alone: those of NVIDIA's Jetson boards, class/hwmon/*/name ina3221, whose
/// channel M has a rail's name in inM_label, millivolts in inM_input and milliamperes in currM_input. VDD_IN is the
/// whole board; where there is no such rail, all of them are added up.
///
/// A thread reads them ten times a second, and what was drawn between two readings is the mean of both times the time:
/// bursts shorter than that are seen by chance.
class PowerMeter {
 public:
  explicit PowerMeter(const std::filesystem::path& sys = "/sys");
  ~PowerMeter();
  PowerMeter(const PowerMeter&) = delete;
  PowerMeter& operator=(const PowerMeter&) = delete;

  bool available() const { return !rails_.empty(); }

  /// Joules since the last lap or the start; nothing where there are no sensors or one fell silent.
  std::optional<double> lap();

 private:
  struct Rail {
    std::filesystem::path millivolts, milliamperes;
  };
  using Clock = std::chrono::steady_clock;

  std::optional<double> watts() const;
  void sample();
  void watch();

  std::vector<Rail> rails_;
  std::mutex mutex_;  ///< guards what follows
  std::condition_variable stop_;
  bool stopped_ = false, complete_ = true;
  Clock::time_point last_time_;
  std::optional<double> last_watts_;
  double joules_ = 0;
  std::thread thread_;
};

}  // namespace adder
