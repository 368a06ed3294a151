#pragma once

#include "core/template/budget.h"
#include "core/template/value.h"

namespace adder::jinja {

/// What methods and filters of the same name share.

/// replace(old, new, count): all of them if count is left out or negative; an empty `old` is before every character and
/// at the end.
Result<Value> replace(Budget& budget, const Text& text, const Arguments& arguments);

/// The texts of `items` with `separator` between.
Result<Value> join_texts(Budget& budget, const Value::List& items, const Text& separator);

/// A list of keys, of values, or of lists of both.
Result<Value> entries_of(Budget& budget, const Map& map, bool keys, bool values);

/// An argument that is an integer, or was left out.
Result<int64_t> integer_or(const Value& value, int64_t fallback, std::string_view what);

}  // namespace adder::jinja
