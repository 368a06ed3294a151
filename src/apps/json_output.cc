#include "apps/json_output.h"

#include <fmt/format.h>

namespace adder {

void print_json(const Json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace adder
