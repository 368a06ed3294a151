#pragma once

#include <cstddef>
#include <string_view>

namespace adder {

/// What text begins with, as UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
struct Utf8Piece {
  enum class Kind {
    kCodePoint,  ///< a well-formed sequence
    kTruncated,  ///< all of the text, which could be the beginning of a sequence
    kBroken,     ///< the longest beginning of a sequence that does not go on as it must; one byte if none begins so
  };
  Kind kind;
  size_t bytes;  ///< >= 1
};

/// Precondition: `text` is not empty.
Utf8Piece utf8_next(std::string_view text);

/// Bytes of the longest well-formed prefix.
size_t utf8_valid_prefix(std::string_view text);

inline bool is_utf8(std::string_view text) {
  return utf8_valid_prefix(text) == text.size();
}

/// What takes the place of a broken piece (Unicode 15, section 3.9, "U+FFFD Substitution of Maximal Subparts").
constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

}  // namespace adder
