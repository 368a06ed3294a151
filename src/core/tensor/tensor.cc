#include "core/tensor/tensor.h"

#include <fmt/ranges.h>

namespace adder {

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.dims(), ", "));
}

}  // namespace adder
