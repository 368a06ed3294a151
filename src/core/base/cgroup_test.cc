#include "core/base/cgroup.h"

#include <gtest/gtest.h>

#include "core/base/testing/temp_dir.h"
#include "core/base/threads.h"

namespace adder {
namespace {

using testing::TempDir;

TEST(CgroupCpuLimit, V2TakesTheSmallestOnTheWayToTheRoot) {
  const TempDir mount;
  mount.put("a/b/cpu.max", "400000 100000\n");
  mount.put("a/cpu.max", "150000 100000\n");
  EXPECT_EQ(cgroup_cpu_limit("0::/a/b\n", mount.path()), 2) << "1.5 CPUs keep two threads busy";
  EXPECT_EQ(cgroup_cpu_limit("0::/a\n", mount.path()), 2);
  mount.put("a/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_cpu_limit("0::/a/b\n", mount.path()), 4);
  EXPECT_EQ(cgroup_cpu_limit("0::/a\n", mount.path()), 0);
}

TEST(CgroupCpuLimit, InAContainerTheMountIsTheOwnGroup) {
  const TempDir mount;
  mount.put("cpu.max", "50000 100000\n");
  EXPECT_EQ(cgroup_cpu_limit("0::/system.slice/docker-1f.scope\n", mount.path()), 1);
  EXPECT_EQ(cgroup_cpu_limit("0::/\n", mount.path()), 1);
}

TEST(CgroupCpuLimit, V1ReadsQuotaAndPeriod) {
  const TempDir mount;
  mount.put("cpu/docker/1f/cpu.cfs_quota_us", "300000\n");
  mount.put("cpu/docker/1f/cpu.cfs_period_us", "100000\n");
  mount.put("cpu/cpu.cfs_quota_us", "-1\n");
  mount.put("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cpu_limit("12:cpuset:/x\n4:cpu,cpuacct:/docker/1f\n0::/\n", mount.path()), 3);
  EXPECT_EQ(cgroup_cpu_limit("4:cpu,cpuacct:/\n", mount.path()), 0);
}

TEST(CgroupCpuLimit, NonsenseIsNoLimit) {
  const TempDir mount;
  mount.put("cpu.max", "-5 lots\n");
  for (const char* self : {"", "0::/\n", "nonsense", "1:cpu", "::::", "0::relative/path\n"})
    EXPECT_EQ(cgroup_cpu_limit(self, mount.path()), 0) << self;
}

TEST(AvailableThreads, IsPositiveAndWithinTheLimit) {
  const int limit = cgroup_cpu_limit();
  EXPECT_GE(available_threads(), 1);
  EXPECT_TRUE(limit == 0 || available_threads() <= limit);
}

}  // namespace
}  // namespace adder
