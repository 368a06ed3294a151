#pragma once

#include <functional>
#include <string>

#include "core/arch/bind.h"

namespace adder {

/// ModelHash of a model whose receipt is not asked. Reads all of it, tensor after tensor, and calls `read` with the
/// bytes of each; an error of that ends the work.
Result<std::string> hash_model(const BoundModel& model, const std::function<Status(uint64_t bytes)>& read);

}  // namespace adder
