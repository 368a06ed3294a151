#include "core/base/cgroup.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>

namespace adder {
namespace {

namespace fs = std::filesystem;
constexpr double kNoLimit = std::numeric_limits<double>::infinity();

double quotient(double quota, double period) {
  return quota > 0 && period > 0 ? quota / period : kNoLimit;
}

double limit_v2(const fs::path& group) {
  std::string quota;  // a number or "max", which reads as 0
  double period = 0;
  std::ifstream(group / "cpu.max") >> quota >> period;
  return quotient(std::strtod(quota.c_str(), nullptr), period);
}

double limit_v1(const fs::path& group) {
  double quota = 0, period = 0;  // -1 is no limit
  std::ifstream(group / "cpu.cfs_quota_us") >> quota;
  std::ifstream(group / "cpu.cfs_period_us") >> period;
  return quotient(quota, period);
}

/// The value of "name value" lines, 0 where there is none.
double stat_line(const fs::path& file, std::string_view wanted) {
  std::ifstream lines(file);
  double value = 0;
  for (std::string name; lines >> name >> value;)
    if (name == wanted) return value;
  return 0;
}

/// A limit that cannot be read is none; neither is "max", or v1's largest page count.
double memory_left(const fs::path& group, const char* limit_file, const char* usage_file, const char* file_prefix) {
  constexpr double kUnlimited = 9e18;
  double limit = kNoLimit, usage = 0;
  if (!(std::ifstream(group / limit_file) >> limit) || limit >= kUnlimited) return kNoLimit;
  std::ifstream(group / usage_file) >> usage;
  const std::string prefix = file_prefix;
  const double files = stat_line(group / "memory.stat", prefix + "active_file") +
                       stat_line(group / "memory.stat", prefix + "inactive_file");
  return std::max(0.0, limit - std::max(0.0, usage - files));
}

double memory_left_v2(const fs::path& group) {
  return memory_left(group, "memory.max", "memory.current", "");
}

double memory_left_v1(const fs::path& group) {
  return memory_left(group, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_");
}

/// Inside a container the path may be the host's, which is not mounted: the mount itself then is the own group.
double smallest_limit(const fs::path& mount, const fs::path& path, double (*limit)(const fs::path&)) {
  double smallest = limit(mount);
  fs::path group = mount;
  for (const fs::path& part : path.relative_path()) smallest = std::min(smallest, limit(group /= part));
  return smallest;
}

bool has_controller(std::string_view list, std::string_view name) {
  std::istringstream names{std::string(list)};
  for (std::string one; std::getline(names, one, ',');)
    if (one == name) return true;
  return false;
}

/// Over all groups of the process; `self` is the text of /proc/self/cgroup.
double smallest_limit(std::string_view self, const fs::path& mount, std::string_view controller,
                      double (*v2)(const fs::path&), double (*v1)(const fs::path&)) {
  double smallest = kNoLimit;
  std::istringstream lines{std::string(self)};
  for (std::string line; std::getline(lines, line);) {  // "0::/user.slice" or "4:cpu,cpuacct:/docker/1f"
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) smallest = std::min(smallest, smallest_limit(mount, path, v2));
    if (has_controller(controllers, controller))
      smallest = std::min(smallest, smallest_limit(mount / controller, path, v1));
  }
  return smallest;
}

std::string own_groups() {
  std::ifstream file("/proc/self/cgroup");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

constexpr const char* kMount = "/sys/fs/cgroup";

}  // namespace

int cgroup_cpu_limit(std::string_view self, const fs::path& mount) {
  const double smallest = smallest_limit(self, mount, "cpu", limit_v2, limit_v1);
  return std::isinf(smallest) ? 0 : static_cast<int>(std::ceil(std::min(smallest, 1e6)));
}

std::optional<int64_t> cgroup_memory_available(std::string_view self, const fs::path& mount) {
  const double smallest = smallest_limit(self, mount, "memory", memory_left_v2, memory_left_v1);
  if (std::isinf(smallest)) return {};
  return static_cast<int64_t>(smallest);
}

int cgroup_cpu_limit() {
  return cgroup_cpu_limit(own_groups(), kMount);
}

std::optional<int64_t> cgroup_memory_available() {
  return cgroup_memory_available(own_groups(), kMount);
}

}  // namespace adder
