#include "core/base/check.h"

#include <cstdlib>

namespace adder {

void check_failed(const char* file, int line, const char* condition, std::string_view detail) {
  fmt::print(stderr, "{}:{}: CHECK({}) failed{}{}\n", file, line, condition, detail.empty() ? "" : ": ", detail);
  std::abort();
}

}  // namespace adder
