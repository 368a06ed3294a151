#pragma once

#include "core/template/interpreter.h"

namespace adder::jinja {

/// value is name(arguments), Jinja's tests: defined undefined none boolean true false integer float number string
/// mapping sequence iterable callable, eq equalto == ne != lt lessthan < le <= gt greaterthan > ge >= in sameas,
/// odd even divisibleby lower upper. kUnsupported for other names.
Result<bool> apply_test(Interpreter& run, std::string_view name, const Value& value, const Arguments& arguments);

}  // namespace adder::jinja
