#pragma once

#include <string_view>

#include "core/template/budget.h"
#include "core/template/value.h"

namespace adder::jinja {

/// Python's operators on values. Integers have 64 bits; kCorrupt for a result beyond them, for a division by zero and
/// for kinds that do not go together, naming both.

/// ==: numbers by value whatever their kind, lists and mappings item by item.
Result<bool> equal(const Value& a, const Value& b, Budget& budget);

/// Negative, 0 or positive. Two numbers, two texts (by code point) or two lists.
Result<int> order(const Value& a, const Value& b, Budget& budget);

/// == != < <= > >= in "not in".
Result<bool> compare(std::string_view op, const Value& a, const Value& b, Budget& budget);

/// item in container: an item of a list, a part of a text, a key of a mapping.
Result<bool> contains(const Value& container, const Value& item, Budget& budget);

/// + - * / // % **; + also joins texts and lists, * repeats them.
Result<Value> arithmetic(std::string_view op, const Value& a, const Value& b, Budget& budget);

/// Sorts by `key` of each item, ascending, items with equal keys in their order.
Status sort_by(Value::List& items, const std::function<Result<Value>(const Value&)>& key, bool descending,
               Budget& budget);

}  // namespace adder::jinja
