#pragma once

#include <optional>
#include <string_view>

#include "core/template/value.h"

namespace adder::jinja {

/// The methods a value has, as a function that is bound to it:
///   text     strip lstrip rstrip split rsplit splitlines startswith endswith replace upper lower title capitalize find
///            rfind count join removeprefix removesuffix isdigit isspace
///   mapping  get items keys values
/// These mean what they mean in Python, where templates got them from; methods that would change a value do not exist.
std::optional<Value> find_method(const Value& value, std::string_view name);

/// value.name: a method, or else the entry of a mapping or field of a namespace; undefined where there is none.
/// kCorrupt if `value` itself is undefined.
Result<Value> attribute_of(const Value& value, std::string_view name);

}  // namespace adder::jinja
