#include "make/bench/energy.h"

#include <gtest/gtest.h>

#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using testing::TempDir;

void put_zone(const TempDir& sys, const std::string& zone, const std::string& name, const std::string& microjoules) {
  const std::string folder = "class/powercap/" + zone + "/";
  sys.put(folder + "name", name + "\n");
  sys.put(folder + "energy_uj", microjoules + "\n");
  sys.put(folder + "max_energy_range_uj", "1000000\n");
}

TEST(EnergyMeter, WithoutCountersIsUnavailable) {
  const TempDir sys;
  EnergyMeter meter(sys.path());
  EXPECT_FALSE(meter.available());
  EXPECT_FALSE(meter.lap());
}

TEST(EnergyMeter, AddsPackagesAndMemoryOnly) {
  const TempDir sys;
  const auto put = [&](const std::string& package, const std::string& dram, const std::string& other) {
    put_zone(sys, "intel-rapl:0", "package-0", package);
    put_zone(sys, "intel-rapl:0:0", "core", other);
    put_zone(sys, "intel-rapl:0:1", "dram", dram);
    put_zone(sys, "intel-rapl:1", "psys", other);
    put_zone(sys, "intel-rapl-mmio:0", "package-0", other);
  };
  put("1000", "2000", "0");
  EnergyMeter meter(sys.path());
  ASSERT_TRUE(meter.available());
  put("501000", "102000", "999999");
  EXPECT_DOUBLE_EQ(meter.lap().value(), 0.6);
  EXPECT_DOUBLE_EQ(meter.lap().value(), 0);
}

TEST(EnergyMeter, GoesOnWhereACounterStartsAgain) {
  const TempDir sys;
  put_zone(sys, "intel-rapl:0", "package-0", "900000");
  EnergyMeter meter(sys.path());
  put_zone(sys, "intel-rapl:0", "package-0", "200000");
  EXPECT_DOUBLE_EQ(meter.lap().value(), 0.3);  // 0.1 to the end of the range, 0.2 after it
}

TEST(EnergyMeter, ACounterThatFallsSilentOrSpeaksNonsenseGivesNothing) {
  const TempDir sys;
  put_zone(sys, "intel-rapl:0", "package-0", "5");
  EnergyMeter meter(sys.path());
  put_zone(sys, "intel-rapl:0", "package-0", "many");
  EXPECT_FALSE(meter.lap());
  put_zone(sys, "intel-rapl:0", "package-0", "100005");
  EXPECT_DOUBLE_EQ(meter.lap().value(), 0.1);
  put_zone(sys, "intel-rapl:1", "package-1", "-3");
  EXPECT_DOUBLE_EQ(EnergyMeter(sys.path()).lap().value(), 0);  // of package-0 alone
}

TEST(EnergyMeter, TakesSocketsOfHwmonWhereThereIsNoRapl) {
  const TempDir sys;
  const auto put = [&](const std::string& microjoules) {
    sys.put("class/hwmon/hwmon3/energy1_label", "Ecore000\n");
    sys.put("class/hwmon/hwmon3/energy1_input", "0\n");
    sys.put("class/hwmon/hwmon3/energy2_label", "Esocket0\n");
    sys.put("class/hwmon/hwmon3/energy2_input", microjoules + "\n");
  };
  put("1000000");
  EnergyMeter meter(sys.path());
  put("4000000");
  EXPECT_DOUBLE_EQ(meter.lap().value(), 3);
}

}  // namespace
}  // namespace adder
