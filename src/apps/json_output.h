#pragma once

#include <nlohmann/json.hpp>

namespace adder {

/// Fields in the order they were written, so that output reads like a table.
using Json = nlohmann::ordered_json;

/// One indented document on standard output; text that is not UTF-8 is mended with U+FFFD.
void print_json(const Json& document);

}  // namespace adder
