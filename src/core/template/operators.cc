#include "core/template/operators.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace adder::jinja {
namespace {

using Kind = Value::Kind;

Error mismatch(std::string_view op, const Value& a, const Value& b) {
  return Error::corrupt("'{}' between {} and {}", op, a.kind_name(), b.kind_name());
}

bool both_whole(const Value& a, const Value& b) {
  return !a.is(Kind::kFloat) && !b.is(Kind::kFloat);
}

Result<bool> equal_maps(const Map& a, const Map& b, Budget& budget) {
  if (a.entries().size() != b.entries().size()) return false;
  for (const auto& [key, value] : a.entries()) {
    const Value* other = b.find(key.bytes());
    if (other == nullptr) return false;
    TRY_ASSIGN(const bool same, equal(value, *other, budget));
    if (!same) return false;
  }
  return true;
}

int sign(auto a, auto b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

constexpr std::string_view kBeyond = "a whole number beyond 64 bits";

Result<Value> whole_arithmetic(std::string_view op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool beyond = false;
  if (op == "+") {
    beyond = __builtin_add_overflow(a, b, &result);
  } else if (op == "-") {
    beyond = __builtin_sub_overflow(a, b, &result);
  } else if (op == "*") {
    beyond = __builtin_mul_overflow(a, b, &result);
  } else if (op == "**") {
    if (b < 0) return Value::number(std::pow(static_cast<double>(a), static_cast<double>(b)));
    result = 1;
    const bool trivial = a >= -1 && a <= 1;
    if (trivial) b = b == 0 ? 0 : a == -1 && b % 2 == 0 ? 2 : 1;
    for (int64_t i = 0; i < b && !beyond; ++i) beyond = __builtin_mul_overflow(result, a, &result);
  } else {
    if (b == 0) return Error::corrupt("a division by zero");
    if (b == -1) return whole_arithmetic("*", a, op == "//" ? -1 : 0);
    const int64_t remainder = a % b;
    const bool down = remainder != 0 && (remainder < 0) != (b < 0);
    result = op == "//" ? a / b - (down ? 1 : 0) : remainder + (down ? b : 0);
  }
  if (beyond) return Error::corrupt("'{}': {}", op, kBeyond);
  return Value::integer(result);
}

Result<Value> float_arithmetic(std::string_view op, double a, double b) {
  if (op == "+") return Value::number(a + b);
  if (op == "-") return Value::number(a - b);
  if (op == "*") return Value::number(a * b);
  if (op == "**") return Value::number(std::pow(a, b));
  if (b == 0) return Error::corrupt("a division by zero");
  if (op == "/") return Value::number(a / b);
  if (op == "//") return Value::number(std::floor(a / b));
  double remainder = std::fmod(a, b);
  if (remainder != 0 && (remainder < 0) != (b < 0)) remainder += b;
  return Value::number(remainder);
}

/// What `n` copies cost has been counted before anything is made.
Result<Value> repeat(const Value& value, int64_t n, Budget& budget) {
  const auto times = static_cast<size_t>(std::max<int64_t>(n, 0));
  const size_t each = value.is_text() ? value.as_text().bytes().size() : value.as_list().size();
  if (each != 0 && times > SIZE_MAX / each) return Error::too_large("'*': {} copies", times);
  TRY(value.is_text() ? budget.spend_bytes(each * times) : budget.spend_values(each * times));
  if (value.is_text()) {
    Text text;
    for (size_t i = 0; i < times && each != 0; ++i) text.append(value.as_text());
    return Value::text(std::move(text));
  }
  Value::List items;
  for (size_t i = 0; i < times && each != 0; ++i)
    items.insert(items.end(), value.as_list().begin(), value.as_list().end());
  return Value::list(std::move(items));
}

}  // namespace

Result<bool> equal(const Value& a, const Value& b, Budget& budget) {
  TRY(budget.spend_steps(1));
  if (a.same_object(b)) return true;
  if (a.is_number() && b.is_number())
    return both_whole(a, b) ? a.as_integer() == b.as_integer() : a.as_number() == b.as_number();
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kText:
      TRY(budget.spend_bytes(std::min(a.as_text().bytes().size(), b.as_text().bytes().size())));
      return a.as_text().bytes() == b.as_text().bytes();
    case Kind::kList: {
      const auto &left = a.as_list(), &right = b.as_list();
      if (left.size() != right.size()) return false;
      for (size_t i = 0; i < left.size(); ++i) {
        TRY_ASSIGN(const bool same, equal(left[i], right[i], budget));
        if (!same) return false;
      }
      return true;
    }
    case Kind::kMap:
      return equal_maps(a.as_map(), b.as_map(), budget);
    case Kind::kNamespace:
      return &a.as_namespace() == &b.as_namespace();
    case Kind::kFunction:
      return &a.as_function() == &b.as_function();
    default:
      return true;  // none, undefined
  }
}

Result<int> order(const Value& a, const Value& b, Budget& budget) {
  TRY(budget.spend_steps(1));
  if (a.is_number() && b.is_number())
    return both_whole(a, b) ? sign(a.as_integer(), b.as_integer()) : sign(a.as_number(), b.as_number());
  if (a.is_text() && b.is_text()) {
    if (a.same_object(b)) return 0;
    TRY(budget.spend_bytes(std::min(a.as_text().bytes().size(), b.as_text().bytes().size())));
    return sign(a.as_text().bytes().compare(b.as_text().bytes()), 0);  // UTF-8 sorts as its code points do
  }
  if (!a.is_list() || !b.is_list()) return mismatch("<", a, b);
  const auto &left = a.as_list(), &right = b.as_list();
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    TRY_ASSIGN(const bool same, equal(left[i], right[i], budget));
    if (!same) return order(left[i], right[i], budget);
  }
  return sign(left.size(), right.size());
}

Result<bool> compare(std::string_view op, const Value& a, const Value& b, Budget& budget) {
  if (op == "in") return contains(b, a, budget);
  if (op == "==") return equal(a, b, budget);
  if (op == "not in" || op == "!=") {
    TRY_ASSIGN(const bool yes, op == "!=" ? equal(a, b, budget) : contains(b, a, budget));
    return !yes;
  }
  TRY_ASSIGN(const int sign, order(a, b, budget));
  if (op == "<") return sign < 0;
  if (op == "<=") return sign <= 0;
  if (op == ">") return sign > 0;
  return sign >= 0;
}

Result<bool> contains(const Value& container, const Value& item, Budget& budget) {
  switch (container.kind()) {
    case Kind::kUndefined:
      return false;
    case Kind::kText:
      if (!item.is_text()) return mismatch("in", item, container);
      TRY(budget.spend_bytes(container.as_text().bytes().size() + item.as_text().bytes().size()));
      return find_bytes(container.as_text().bytes(), item.as_text().bytes()) != std::string::npos;
    case Kind::kList:
      for (const Value& one : container.as_list()) {
        TRY_ASSIGN(const bool same, equal(one, item, budget));
        if (same) return true;
      }
      return false;
    case Kind::kMap:
      return item.is_text() && container.as_map().find(item.as_text().bytes()) != nullptr;
    default:
      return mismatch("in", item, container);
  }
}

Result<Value> arithmetic(std::string_view op, const Value& a, const Value& b, Budget& budget) {
  if (a.is_number() && b.is_number()) {
    if (both_whole(a, b) && op != "/") return whole_arithmetic(op, a.as_integer(), b.as_integer());
    return float_arithmetic(op, a.as_number(), b.as_number());
  }
  if (op == "+" && a.is_text() && b.is_text()) {
    TRY(budget.spend_bytes(a.as_text().bytes().size() + b.as_text().bytes().size()));
    Text text = a.as_text();
    text.append(b.as_text());
    return Value::text(std::move(text));
  }
  if (op == "+" && a.is_list() && b.is_list()) {
    TRY(budget.spend_values(a.as_list().size() + b.as_list().size()));
    Value::List items = a.as_list();
    items.insert(items.end(), b.as_list().begin(), b.as_list().end());
    return Value::list(std::move(items));
  }
  const auto is_series = [](const Value& v) { return v.is_text() || v.is_list(); };
  const auto is_whole = [](const Value& v) { return v.is(Kind::kInteger) || v.is(Kind::kBool); };
  if (op == "*" && is_series(a) && is_whole(b)) return repeat(a, b.as_integer(), budget);
  if (op == "*" && is_series(b) && is_whole(a)) return repeat(b, a.as_integer(), budget);
  for (const Value* side : {&a, &b})
    if (side->is_undefined() && side->undefined_name() != nullptr)
      return Error::corrupt("'{}': {} is undefined", op, *side->undefined_name());
  return mismatch(op, a, b);
}

Status sort_by(Value::List& items, const std::function<Result<Value>(const Value&)>& key, bool descending,
               Budget& budget) {
  std::vector<Value> keys;
  for (const Value& item : items) {
    TRY_ASSIGN(Value one, key(item));
    keys.push_back(std::move(one));
  }
  std::vector<size_t> places(items.size());
  std::iota(places.begin(), places.end(), size_t{0});
  // After an error every comparison says "not less", which ends the sort; what it made of the places is dropped.
  Status failure;
  std::stable_sort(places.begin(), places.end(), [&](size_t i, size_t j) {
    if (!failure) return false;
    const auto sign = descending ? order(keys[j], keys[i], budget) : order(keys[i], keys[j], budget);
    if (!sign) {
      failure = sign.error();
      return false;
    }
    return *sign < 0;
  });
  TRY(failure);
  Value::List sorted;
  for (const size_t place : places) sorted.push_back(std::move(items[place]));
  items = std::move(sorted);
  return {};
}

}  // namespace adder::jinja
