#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace adder::jinja {

/// What stands between the quotes of a string, with Python's escapes resolved: \n \t \r \b \f \v \a \\ \' \" \ooo \xhh
/// \uhhhh \Uhhhhhhhh, and a backslash before a line end drops both. Other backslashes stay. kCorrupt for too few digits
/// or what is no code point; kUnsupported for \N{...}.
Result<std::string> resolve_escapes(std::string_view literal);

/// UTF-8 of a code point that is no surrogate and at most U+10FFFF.
void append_utf8(uint32_t code_point, std::string& out);
/// The code point of a well-formed sequence.
uint32_t code_point_of(std::string_view utf8);

}  // namespace adder::jinja
