#pragma once

#include <string_view>
#include <vector>

#include "core/template/interpreter.h"

namespace adder::jinja {

/// value|name(arguments), as in Jinja:
///   text      capitalize indent join lower replace string title tojson trim upper safe (which changes nothing)
///   numbers   abs float int round
///   lists     count dictsort first items last length list map max min reject rejectattr reverse select selectattr sort
///             sum unique
///   any       default d
/// tojson is that of Hugging Face: ensure_ascii, indent, separators, sort_keys as in Python's json.dumps, characters
/// beyond ASCII kept and nothing escaped for HTML. kUnsupported for other names.
Result<Value> apply_filter(Interpreter& run, std::string_view name, const Value& value, const Arguments& arguments);

using FilterFunction = Result<Value> (*)(Interpreter& run, const Value& value, const Arguments& arguments);
struct NamedFilter {
  std::string_view name;
  FilterFunction filter;
};
const std::vector<NamedFilter>& text_filters();
const std::vector<NamedFilter>& list_filters();

}  // namespace adder::jinja
