#include "make/train/loop/metrics.h"

#include <fstream>

namespace adder {

Status Metrics::append(const nlohmann::json& entry) const {
  std::ofstream out(path_, std::ios::app);
  out << entry.dump() << '\n';
  out.flush();
  if (!out) return Error::io("{}: cannot append", path_.string());
  return {};
}

}  // namespace adder
