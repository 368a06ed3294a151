#include "core/template/token_cursor.h"

#include "core/formats/names.h"

namespace adder::jinja {

Error TokenCursor::unexpected(std::string_view expected) const {
  return Error::corrupt("line {}: expected {}, found {}", line(), expected,
                        at(Token::Kind::kEnd) ? now().text : quote(now().text));
}

}  // namespace adder::jinja
