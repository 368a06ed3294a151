#include "apps/mix_option.h"

#include <fmt/ranges.h>

#include <map>
#include <string>
#include <vector>

namespace adder {

void add_mix_option(CLI::App& command, Mix& mix) {
  std::map<std::string, Mix> by_name;
  std::vector<std::string_view> names;
  for (const MixInfo& row : all_mixes()) {
    by_name[std::string(row.name)] = row.mix;
    names.push_back(row.name);
  }
  command.add_option("--type", mix, fmt::format("{} (default {})", fmt::join(names, ", "), info(mix).name))
      ->transform(CLI::CheckedTransformer(by_name, CLI::ignore_case).description(""))
      ->type_name("TYPE");
}

}  // namespace adder
