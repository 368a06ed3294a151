#include "make/bench/energy.h"

#include "make/bench/sys_files.h"

namespace adder {
namespace fs = std::filesystem;

EnergyMeter::EnergyMeter(const fs::path& sys) {
  for (const fs::path& zone : entries(sys / "class/powercap")) {
    // intel-rapl-mmio:N repeats intel-rapl:N, and zones inside a package are part of it, but for its memory.
    if (!zone.filename().string().starts_with("intel-rapl:")) continue;
    const std::string name = read_word(zone / "name");
    if (name.starts_with("package") || name == "dram")
      add(zone / "energy_uj", read_number(zone / "max_energy_range_uj").value_or(0));
  }
  if (!counters_.empty()) return;
  for (const fs::path& device : entries(sys / "class/hwmon")) {
    for (const fs::path& file : entries(device)) {
      const std::string name = file.filename().string();
      constexpr std::string_view kLabel = "_label";
      if (!name.starts_with("energy") || !name.ends_with(kLabel) || !read_word(file).starts_with("Esocket")) continue;
      add(device / (name.substr(0, name.size() - kLabel.size()) + "_input"), 0);
    }
  }
  if (counters_.empty()) power_ = std::make_unique<PowerMeter>(sys);
}

void EnergyMeter::add(const fs::path& path, int64_t range) {
  if (const auto now = read_number(path)) counters_.push_back({path, *now, range});
}

std::optional<double> EnergyMeter::lap() {
  if (counters_.empty()) return power_->lap();
  double microjoules = 0;
  bool complete = true;
  for (Counter& counter : counters_) {
    const auto now = read_number(counter.path);
    if (!now || (*now < counter.last && counter.range == 0)) {
      complete = false;
      continue;
    }
    const int64_t passed = *now - counter.last;
    microjoules += static_cast<double>(passed < 0 ? passed + counter.range : passed);
    counter.last = *now;
  }
  if (!complete) return {};
  return microjoules * 1e-6;
}

}  // namespace adder
