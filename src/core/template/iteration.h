#pragma once

#include "core/template/budget.h"
#include "core/template/value.h"

namespace adder::jinja {

/// What a loop over the value sees: the items of a list, the keys of a mapping, the characters of a text, nothing of
/// what is undefined. kCorrupt for other kinds.
Result<Value::List> items_of(const Value& value, Budget& budget);

/// `loop` at item i of a loop: index, index0, revindex, revindex0, first, last, length, depth, depth0, previtem,
/// nextitem, cycle(...).
Value loop_variable(const Value::List& items, size_t i);

/// Python's value[index], for lists and texts also from the end by negative ones; undefined where there is nothing.
Result<Value> item_of(const Value& value, const Value& index, Budget& budget);

/// Python's value[begin:end:step] of a list or text; undefined or none: from, to the end, 1.
Result<Value> slice_of(const Value& value, const Value& begin, const Value& end, const Value& step, Budget& budget);

}  // namespace adder::jinja
