#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace adder {

/// Rewrites a pre-tokenizer expression as it is published (tokenizer.json: Oniguruma with Ruby syntax over UTF-8) into
/// one that means the same to PCRE2 with UTF and UCP:
///
///     \s \S     Unicode White_Space exactly (PCRE2 would add U+180E)
///     \d \D     general category Nd
///     ^ $       every line
///     \p{Han}   the Script property (PCRE2 would take Script_Extensions)
///     \uHHHH    a code point
///
/// Whatever the two engines read differently and nobody needs is refused by name: \w \b \h \R \K and other letters,
/// nested classes, &&, POSIX classes, back references, conditions, (*VERBS), {,n}, {n}+.
Result<std::string> pcre2_from_oniguruma(std::string_view expression);

/// The expression that matches `text` and nothing else.
std::string quote_regex(std::string_view text);

}  // namespace adder
