#pragma once

#include <string>
#include <string_view>

namespace adder {

/// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// Text from a file, made safe for a one-line message: in single quotes, bytes that are not printable ASCII as \xNN,
/// cut after 80 bytes.
std::string quote(std::string_view text);

}  // namespace adder
