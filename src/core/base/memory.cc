#include "core/base/memory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "core/base/cgroup.h"

namespace adder {

namespace {

/// "MemAvailable:   21342028 kB" of /proc/meminfo, "VmHWM:     4460 kB" of /proc/self/status; 0 without such a line.
int64_t kilobytes_line(const char* path, std::string_view name) {
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name)) return std::strtoll(line.c_str() + name.size(), nullptr, 10) * 1024;
  return 0;
}

}  // namespace

int64_t available_memory() {
  const int64_t available = kilobytes_line("/proc/meminfo", "MemAvailable:");
  const auto limit = cgroup_memory_available();
  if (!limit) return available;
  return available > 0 ? std::min(available, *limit) : *limit;
}

int64_t resident_bytes() {
  int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

int64_t peak_resident_bytes() {
  return kilobytes_line("/proc/self/status", "VmHWM:");
}

}  // namespace adder
