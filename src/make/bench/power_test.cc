#include "make/bench/power.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using testing::TempDir;

void put_rail(const TempDir& sys, int channel, const std::string& label, int millivolts, int milliamperes) {
  const std::string folder = "class/hwmon/hwmon1/", number = std::to_string(channel);
  sys.put(folder + "name", "ina3221\n");
  sys.put(folder + "in" + number + "_label", label + "\n");
  sys.put(folder + "in" + number + "_input", std::to_string(millivolts) + "\n");
  sys.put(folder + "curr" + number + "_input", std::to_string(milliamperes) + "\n");
}

/// One lap of a meter whose sensors show `watts` throughout, between the clocks inside and outside of it.
void expect_lap_of(PowerMeter& meter, double watts) {
  const auto outer = std::chrono::steady_clock::now();
  meter.lap();
  const auto inner = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  const std::chrono::duration<double> least = std::chrono::steady_clock::now() - inner;
  const double joules = meter.lap().value();
  const std::chrono::duration<double> most = std::chrono::steady_clock::now() - outer;
  EXPECT_GE(joules, watts * least.count() * (1 - 1e-9));
  EXPECT_LE(joules, watts * most.count() * (1 + 1e-9));
}

TEST(PowerMeter, WithoutSensorsIsUnavailable) {
  const TempDir sys;
  sys.put("class/hwmon/hwmon0/name", "coretemp\n");
  PowerMeter meter(sys.path());
  EXPECT_FALSE(meter.available());
  EXPECT_FALSE(meter.lap());
}

TEST(PowerMeter, AddsRailsOverTime) {
  const TempDir sys;
  put_rail(sys, 1, "VDD_GPU_SOC", 19000, 500);
  put_rail(sys, 2, "VDD_CPU_CV", 19000, 100);
  PowerMeter meter(sys.path());
  ASSERT_TRUE(meter.available());
  expect_lap_of(meter, 11.4);
}

TEST(PowerMeter, TakesTheBoardsOwnRailAlone) {
  const TempDir sys;
  put_rail(sys, 1, "VDD_IN", 5000, 1000);
  put_rail(sys, 2, "VDD_CPU_GPU_CV", 5000, 600);
  PowerMeter meter(sys.path());
  expect_lap_of(meter, 5);
}

TEST(PowerMeter, SeesWhatHappensBetweenLaps) {
  const TempDir sys;
  put_rail(sys, 1, "VDD_IN", 5000, 0);
  PowerMeter meter(sys.path());
  double joules = 0;
  for (int i = 0; i < 100 && joules == 0; ++i) {  // a busy machine may let the readings wait
    put_rail(sys, 1, "VDD_IN", 5000, 2000);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    put_rail(sys, 1, "VDD_IN", 5000, 0);
    joules = meter.lap().value();
  }
  EXPECT_GT(joules, 0);
}

TEST(PowerMeter, ASensorThatFallsSilentGivesNothingUntilItSpeaksAgain) {
  const TempDir sys;
  put_rail(sys, 1, "VDD_IN", 5000, 1000);
  PowerMeter meter(sys.path());
  sys.put("class/hwmon/hwmon1/curr1_input", "\n");
  EXPECT_FALSE(meter.lap());
  put_rail(sys, 1, "VDD_IN", 5000, 1000);
  EXPECT_FALSE(meter.lap());  // it was silent when this lap began
  EXPECT_TRUE(meter.lap());
}

}  // namespace
}  // namespace adder
