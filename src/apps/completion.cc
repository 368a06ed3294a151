#include <memory>
#include <string>

#include "apps/commands.h"
#include "apps/shell/completion_script.h"

namespace adder {

void add_completion(CLI::App& app, Action& chosen) {
  auto shell = std::make_shared<std::string>();
  add_completion_command(app, *shell)->callback([shell, &app, &chosen] {
    chosen = [shell, &app]() -> Status {
      fmt::print("{}", completion_script(app, *shell));
      return {};
    };
  });
}

}  // namespace adder
