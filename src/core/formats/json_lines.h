#pragma once

#include <functional>
#include <string_view>

#include "core/base/result.h"

namespace adder {

/// Hands over the lines of a JSON Lines text (jsonlines.org), but for blank ones, until `on_line` fails: its error then
/// names the line, as NAME:NUMBER.
Status for_each_json_line(std::string_view text, std::string_view name,
                          const std::function<Status(std::string_view line)>& on_line);

}  // namespace adder
