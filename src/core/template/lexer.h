#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace adder::jinja {

struct Token {
  enum class Kind {
    kData,  ///< text between tags, white space already taken off
    kBlockBegin,
    kBlockEnd,
    kVariableBegin,
    kVariableEnd,
    kName,
    kInteger,
    kFloat,
    kString,  ///< escapes resolved
    kOperator,
    kEnd,
  };
  Kind kind;
  std::string text;
  int line;  ///< from 1
};

/// Cuts a template into tokens: {{ expression }}, {% statement %}, {# comment #}, {% raw %}. White space as Jinja's
/// trim_blocks and lstrip_blocks define it: the line end after a statement or comment is dropped, and so are blanks
/// before one that begins a line; a "-" inside the delimiter drops all white space on its side, a "+" keeps all.
/// Line ends become "\n", and one at the very end of the template is dropped.
///
/// kCorrupt, with the line, for a tag or string without end and characters that are not part of the language; kTooLarge
/// beyond kMostTemplateBytes.
Result<std::vector<Token>> tokenize(std::string_view source);

inline constexpr size_t kMostTemplateBytes = size_t{1} << 20;

}  // namespace adder::jinja
