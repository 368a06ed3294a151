#include "apps/mix_option.h"

#include <fmt/ranges.h>

#include <string>
#include <vector>

namespace adder {

void add_mix_option(CLI::App& command, Mix& mix, bool* fp8) {
  std::vector<std::string> names;
  for (const MixInfo& row : all_mixes()) names.emplace_back(row.name);
  if (fp8) names.emplace_back("fp8");
  const auto choose = [&mix, fp8](const std::string& name) {
    const auto found = mix_from_name(name);
    if (found) mix = *found;
    if (fp8) *fp8 = !found;
  };
  command
      .add_option_function<std::string>("--type", choose,
                                        fmt::format("{} (default {})", fmt::join(names, ", "), info(mix).name))
      ->check(CLI::IsMember(names, CLI::ignore_case))
      ->type_name("TYPE");
}

}  // namespace adder
