#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace adder {

/// CPUs that the process's control groups allow it, rounded up; 0 when they set no limit. The limit is the smallest
/// on the way from the process's own group to the root: `cpu.max` ("200000 100000" or "max 100000") of cgroup v2,
/// `cpu.cfs_quota_us` and `cpu.cfs_period_us` of v1.
/// `self` is the text of /proc/self/cgroup, `mount` where the groups are mounted.
int cgroup_cpu_limit(std::string_view self, const std::filesystem::path& mount);

/// Bytes that the process's control groups let it take on top of what they hold, or nothing when they set no limit: the
/// least, on the way to the root, of limit - (usage - file pages, which the kernel gives up on demand). `memory.max`,
/// `memory.current` and `memory.stat` of cgroup v2, `memory.limit_in_bytes`, `memory.usage_in_bytes` and `memory.stat`
/// of v1.
std::optional<int64_t> cgroup_memory_available(std::string_view self, const std::filesystem::path& mount);

/// The same for this process.
int cgroup_cpu_limit();
std::optional<int64_t> cgroup_memory_available();

}  // namespace adder
