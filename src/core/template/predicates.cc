#include "core/template/predicates.h"

#include <algorithm>

#include "core/formats/names.h"
#include "core/template/operators.h"

namespace adder::jinja {
namespace {

using Kind = Value::Kind;

using KindTest = bool (*)(const Value&);
struct NamedKind {
  std::string_view name;
  KindTest holds;
};

constexpr NamedKind kKinds[] = {
    {"defined", [](const Value& v) { return !v.is_undefined(); }},
    {"undefined", [](const Value& v) { return v.is_undefined(); }},
    {"none", [](const Value& v) { return v.is_none(); }},
    {"boolean", [](const Value& v) { return v.is(Kind::kBool); }},
    {"true", [](const Value& v) { return v.is(Kind::kBool) && v.as_bool(); }},
    {"false", [](const Value& v) { return v.is(Kind::kBool) && !v.as_bool(); }},
    {"integer", [](const Value& v) { return v.is(Kind::kInteger); }},
    {"float", [](const Value& v) { return v.is(Kind::kFloat); }},
    {"number", [](const Value& v) { return v.is_number(); }},
    {"string", [](const Value& v) { return v.is_text(); }},
    {"mapping", [](const Value& v) { return v.is_map(); }},
    {"sequence", [](const Value& v) { return v.is_text() || v.is_list() || v.is_map() || v.is_undefined(); }},
    {"iterable", [](const Value& v) { return v.is_text() || v.is_list() || v.is_map() || v.is_undefined(); }},
    {"callable", [](const Value& v) { return v.is(Kind::kFunction); }},
};

struct NamedComparison {
  std::string_view name, op;
};
constexpr NamedComparison kComparisons[] = {
    {"eq", "=="},         {"equalto", "=="}, {"==", "=="}, {"ne", "!="}, {"!=", "!="}, {"lt", "<"},
    {"lessthan", "<"},    {"<", "<"},        {"le", "<="}, {"<=", "<="}, {"gt", ">"},  {">", ">"},
    {"greaterthan", ">"}, {"ge", ">="},      {">=", ">="}, {"in", "in"},
};

/// Python's is.
bool same(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is_none() || a.is_undefined()) return true;
  return a.is_number() ? a.as_number() == b.as_number() : a.same_object(b);
}

Result<bool> divides(const Value& value, const Value& divisor, int64_t remainder, Budget& budget) {
  TRY_ASSIGN(const Value left, arithmetic("%", value, divisor, budget));
  return left.is_number() && left.as_number() == static_cast<double>(remainder);
}

}  // namespace

Result<bool> apply_test(Interpreter& run, std::string_view name, const Value& value, const Arguments& arguments) {
  TRY(run.budget().spend_steps(1));
  for (const NamedKind& kind : kKinds)
    if (kind.name == name) return kind.holds(value);
  const auto argument = [&]() -> Result<Value> {
    TRY_ASSIGN(const auto given, arguments.bind(name, {"other"}, 1));
    return given[0];
  };
  for (const NamedComparison& comparison : kComparisons) {
    if (comparison.name != name) continue;
    TRY_ASSIGN(const Value other, argument());
    return compare(comparison.op, value, other, run.budget());
  }
  if (name == "sameas") {
    TRY_ASSIGN(const Value other, argument());
    return same(value, other);
  }
  if (name == "divisibleby") {
    TRY_ASSIGN(const Value divisor, argument());
    return divides(value, divisor, 0, run.budget());
  }
  if (name == "odd" || name == "even") return divides(value, Value::integer(2), name == "odd" ? 1 : 0, run.budget());
  if ((name == "lower" || name == "upper") && value.is_text()) {
    TRY(run.budget().spend_bytes(value.as_text().bytes().size()));
    const Text& text = value.as_text();
    const bool has_letters = text.upper().bytes() != text.lower().bytes();
    return has_letters && (name == "upper" ? text.upper() : text.lower()).bytes() == text.bytes();
  }
  return Error::unsupported("there is no test {}", quote(name));
}

}  // namespace adder::jinja
