#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "make/bench/power.h"

namespace adder {

/// Energy counters that the machine exposes, summed. Of the kinds below the first that is there and may be read:
///   RAPL   class/powercap/intel-rapl:N named package-N (with its dram zones, which it does not include); energy_uj
///          counts microjoules and starts again after max_energy_range_uj. AMD's are there too.
///   hwmon  class/hwmon/*/energyM_input in microjoules, whose label begins with Esocket (amd_energy).
///   power  sensors of a Jetson, added up over time (power.h).
/// They count the whole machine, other programs and idling included. Many systems let root alone read them.
class EnergyMeter {
 public:
  explicit EnergyMeter(const std::filesystem::path& sys = "/sys");

  bool available() const { return !counters_.empty() || power_->available(); }

  /// Joules since the last lap or the start, of all counters; nothing where they are unavailable or fell silent. A
  /// counter may have started again once meanwhile.
  std::optional<double> lap();

 private:
  struct Counter {
    std::filesystem::path path;
    int64_t last = 0, range = 0;  ///< microjoules; range 0: it never starts again
  };
  void add(const std::filesystem::path& path, int64_t range);

  std::vector<Counter> counters_;
  std::unique_ptr<PowerMeter> power_;  ///< where there are no counters
};

}  // namespace adder
