#include "make/train/loop/metrics.h"

#include <fstream>
#include <sstream>

#include "core/base/atomic_file.h"

namespace adder {

Status Metrics::append(const nlohmann::json& entry) const {
  std::ofstream out(path_, std::ios::app);
  out << entry.dump() << '\n';
  out.flush();
  if (!out) return Error::io("{}: cannot append", path_.string());
  return {};
}

Result<std::map<int64_t, nlohmann::json>> Metrics::read(std::string_view kind) const {
  TRY_ASSIGN(std::string text, read_file(path_));
  std::map<int64_t, nlohmann::json> entries;
  std::istringstream lines(std::move(text));
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object() || entry.value("kind", "") != kind || !entry.contains("step")) continue;
    entries[entry["step"].get<int64_t>()] = entry;
  }
  return entries;
}

}  // namespace adder
