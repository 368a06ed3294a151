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

}  // namespace

int cgroup_cpu_limit(std::string_view self, const fs::path& mount) {
  double smallest = kNoLimit;
  std::istringstream lines{std::string(self)};
  for (std::string line; std::getline(lines, line);) {  // "0::/user.slice" or "4:cpu,cpuacct:/docker/1f"
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) smallest = std::min(smallest, smallest_limit(mount, path, limit_v2));
    if (has_controller(controllers, "cpu"))
      smallest = std::min(smallest, smallest_limit(mount / "cpu", path, limit_v1));
  }
  return std::isinf(smallest) ? 0 : static_cast<int>(std::ceil(std::min(smallest, 1e6)));
}

int cgroup_cpu_limit() {
  std::ifstream file("/proc/self/cgroup");
  const std::string self(std::istreambuf_iterator<char>(file), {});
  return cgroup_cpu_limit(self, "/sys/fs/cgroup");
}

}  // namespace adder
