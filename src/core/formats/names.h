#pragma once

#include <string>
#include <string_view>

namespace adder {

/// Text from a file, made safe for a one-line message: in single quotes, bytes that are not printable ASCII as \xNN,
/// cut after 80 bytes.
std::string quote(std::string_view text);

}  // namespace adder
