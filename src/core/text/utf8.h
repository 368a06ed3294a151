#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace adder {

/// Length of the well-formed UTF-8 sequence (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF) that
/// `text` begins with; 0 if it begins with none.
size_t utf8_sequence_length(std::string_view text);

/// Bytes of the longest well-formed prefix.
size_t utf8_valid_prefix(std::string_view text);

/// Whether more bytes could still make `text`, which begins with no well-formed sequence, begin with one.
bool utf8_is_incomplete(std::string_view text);

}  // namespace adder
