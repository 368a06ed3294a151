#include "apps/version.h"

#include <fmt/ranges.h>

#include <vector>

#include "run/kernels/ops.h"

namespace adder {

std::string version_text() {
  std::vector<std::string_view> names;
  for (const Ops* ops : supported_ops()) names.push_back(ops->name);
  const auto selected = select_ops();
  return fmt::format("adder {}\nbuild: {}\nisa: {} (this machine runs: {})", ADDER_VERSION, ADDER_BUILD,
                     selected ? std::string((*selected)->name) : selected.error().message(), fmt::join(names, ", "));
}

}  // namespace adder
