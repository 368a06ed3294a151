#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace adder {

/// GPT-2's printable alphabet, in which byte-level vocabularies write bytes: 33-126, 161-172 and 174-255 stand for
/// themselves as code points; the other 68 bytes, in increasing order, are U+0100, U+0101, ... (space is U+0120).

/// The letter of one byte as UTF-8 (one or two bytes).
std::string_view byte_letter(uint8_t byte);

/// Appends the letters of `bytes`.
void append_byte_letters(std::string_view bytes, std::string& letters);

/// The bytes that `letters` spells; nothing if a code point is not in the alphabet or the text is not UTF-8.
std::optional<std::string> bytes_of_letters(std::string_view letters);

}  // namespace adder
