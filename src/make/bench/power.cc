#include "make/bench/power.h"

#include "make/bench/sys_files.h"

namespace adder {

namespace fs = std::filesystem;

PowerMeter::PowerMeter(const fs::path& sys) {
  std::optional<Rail> board;
  for (const fs::path& device : entries(sys / "class/hwmon")) {
    if (read_word(device / "name") != "ina3221") continue;
    for (int channel = 1; channel <= 3; ++channel) {  // the chip has three
      const std::string number = std::to_string(channel);
      const Rail rail{device / ("in" + number + "_input"), device / ("curr" + number + "_input")};
      if (!read_number(rail.millivolts) || !read_number(rail.milliamperes)) continue;
      rails_.push_back(rail);
      if (read_word(device / ("in" + number + "_label")) == "VDD_IN") board = rail;
    }
  }
  if (board) rails_ = {*board};
  if (!available()) return;
  sample();
  thread_ = std::thread(&PowerMeter::watch, this);
}

PowerMeter::~PowerMeter() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stop_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<double> PowerMeter::watts() const {
  double microwatts = 0;
  for (const Rail& rail : rails_) {
    const auto millivolts = read_number(rail.millivolts), milliamperes = read_number(rail.milliamperes);
    if (!millivolts || !milliamperes) return {};
    microwatts += static_cast<double>(*millivolts) * static_cast<double>(*milliamperes);
  }
  return microwatts * 1e-6;
}

void PowerMeter::sample() {
  const Clock::time_point now = Clock::now();
  const std::optional<double> drawn = watts();
  if (drawn && last_watts_) {
    joules_ += (*drawn + *last_watts_) / 2 * std::chrono::duration<double>(now - last_time_).count();
  }
  complete_ = complete_ && drawn;
  last_watts_ = drawn;
  last_time_ = now;
}

void PowerMeter::watch() {
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, std::chrono::milliseconds(100), [this] { return stopped_; })) sample();
}

std::optional<double> PowerMeter::lap() {
  if (!available()) return {};
  const std::lock_guard lock(mutex_);
  sample();
  const bool whole = complete_;
  const double joules = joules_;
  joules_ = 0;
  complete_ = last_watts_.has_value();  // where the next lap begins
  if (!whole) return {};
  return joules;
}

}  // namespace adder
