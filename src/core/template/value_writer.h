#pragma once

#include "core/template/budget.h"
#include "core/template/value.h"

namespace adder::jinja {

/// Python's str(): text as it is, True, None, 1.0, ['a', 1], {'k': 'v'}. Undefined is empty.
Result<Text> to_text(const Value& value, Budget& budget);

struct JsonStyle {
  int64_t indent = -1;  ///< spaces a level; negative: all on one line
  std::string item_separator = ", ", key_separator = ": ";
  bool ascii = false;      ///< other characters as \uXXXX
  bool sort_keys = false;  ///< by their bytes
};

/// Python's json.dumps. kCorrupt for what is not JSON: undefined, functions, namespaces.
Result<Text> to_json(const Value& value, const JsonStyle& style, Budget& budget);

/// Python's repr() of a float: the shortest digits that give it back, with a point or exponent.
std::string float_text(double value);

}  // namespace adder::jinja
