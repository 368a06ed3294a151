#include <memory>
#include <string>

#include "apps/shell/completion_script.h"
#include "apps/train/commands.h"

namespace adder {

void add_completion(CLI::App& app, Status&) {
  auto shell = std::make_shared<std::string>();
  add_completion_command(app, *shell)->callback([shell, &app] { fmt::print("{}", completion_script(app, *shell)); });
}

}  // namespace adder
