#pragma once

#include <string>

#include "core/base/result.h"

namespace adder {

/// All of standard input; more than `limit` bytes is kTooLarge.
Result<std::string> read_stdin(size_t limit = size_t{1} << 30);

/// An option's text, or standard input when the text is "-".
Result<std::string> text_or_stdin(const std::string& text);

}  // namespace adder
