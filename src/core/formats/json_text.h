#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace adder {

/// JSON as Python's json module writes it: numbers that JSON does not have are the words NaN, Infinity and -Infinity,
/// which JsonNumbers::kPython reads back. `indent` -1 for one line.
std::string python_json(nlohmann::json value, int indent = -1);

}  // namespace adder
