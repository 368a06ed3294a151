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

TEST(CgroupMemory, V2TakesTheLeastRoomOnTheWayToTheRoot) {
  const TempDir mount;
  mount.put("a/b/memory.max", "1000000\n");
  mount.put("a/b/memory.current", "400000\n");
  mount.put("a/b/memory.stat", "anon 250000\nfile 200000\ninactive_file 100000\nactive_file 50000\n");
  EXPECT_EQ(cgroup_memory_available("0::/a/b\n", mount.path()), 750000);
  mount.put("a/memory.max", "1100000\n");
  mount.put("a/memory.current", "900000\n");
  EXPECT_EQ(cgroup_memory_available("0::/a/b\n", mount.path()), 200000);
  mount.put("a/memory.current", "1200000\n");
  EXPECT_EQ(cgroup_memory_available("0::/a/b\n", mount.path()), 0) << "the limit was lowered below what is held";
  mount.put("a/memory.max", "max\n");
  mount.put("a/b/memory.max", "max\n");
  EXPECT_EQ(cgroup_memory_available("0::/a/b\n", mount.path()), std::nullopt);
}

TEST(CgroupMemory, V1CountsTheGroupsBelow) {
  const TempDir mount;
  mount.put("memory/x/memory.limit_in_bytes", "5000\n");
  mount.put("memory/x/memory.usage_in_bytes", "3000\n");
  mount.put("memory/x/memory.stat", "active_file 1\ntotal_active_file 400\ntotal_inactive_file 600\n");
  mount.put("memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(cgroup_memory_available("7:memory:/x\n0::/\n", mount.path()), 3000);
  EXPECT_EQ(cgroup_memory_available("7:memory:/\n", mount.path()), std::nullopt);
}

TEST(AvailableThreads, IsPositiveAndWithinTheLimit) {
  const int limit = cgroup_cpu_limit();
  EXPECT_GE(available_threads(), 1);
  EXPECT_TRUE(limit == 0 || available_threads() <= limit);
}

}  // namespace
}  // namespace adder
