#include <algorithm>

#include "core/template/filters.h"
#include "core/template/iteration.h"
#include "core/template/operators.h"
#include "core/template/predicates.h"
#include "core/template/text_functions.h"
#include "core/template/value_writer.h"

namespace adder::jinja {
namespace {

using Kind = Value::Kind;

/// "a.b.0": items within items; of `value` itself when there is no attribute.
Result<Value> attribute_at(Interpreter& run, Value value, const Value& attribute) {
  if (attribute.is_undefined() || attribute.is_none()) return value;
  if (!attribute.is_text()) return item_of(value, attribute, run.budget());
  for (const Text& part : attribute.as_text().split(".", -1, false)) {
    const std::string& name = part.bytes();
    const bool number = !name.empty() && name.size() < 10 && name.find_first_not_of("0123456789") == std::string::npos;
    TRY_ASSIGN(value, item_of(value, number ? Value::integer(std::stoi(name)) : Value::text(part), run.budget()));
  }
  return value;
}

/// By what filters sort and tell apart: the attribute, in lower case unless case matters.
Result<Value> key_of(Interpreter& run, const Value& item, const Value& attribute, bool case_matters) {
  TRY_ASSIGN(Value key, attribute_at(run, item, attribute));
  if (case_matters || !key.is_text()) return key;
  TRY(run.budget().spend_bytes(key.as_text().bytes().size()));
  return Value::text(key.as_text().lower());
}

Result<Value> length(Interpreter& run, const Value& value, const Arguments&) {
  if (value.is_map()) return Value::integer(static_cast<int64_t>(value.as_map().entries().size()));
  if (value.is_list()) return Value::integer(static_cast<int64_t>(value.as_list().size()));
  if (value.is_undefined()) return Value::integer(0);
  if (!value.is_text()) return Error::corrupt("the length of {}", value.kind_name());
  TRY(run.budget().spend_bytes(value.as_text().bytes().size()));
  return Value::integer(static_cast<int64_t>(value.as_text().length()));
}

template <bool kLast>
Result<Value> end_item(Interpreter& run, const Value& value, const Arguments&) {
  TRY_ASSIGN(const Value::List items, items_of(value, run.budget()));
  if (items.empty()) return Value::undefined(kLast ? "the last of no items" : "the first of no items");
  return kLast ? items.back() : items.front();
}

Result<Value> list(Interpreter& run, const Value& value, const Arguments&) {
  TRY_ASSIGN(Value::List items, items_of(value, run.budget()));
  return Value::list(std::move(items));
}

Result<Value> reverse(Interpreter& run, const Value& value, const Arguments&) {
  return slice_of(value, Value(), Value(), Value::integer(-1), run.budget());
}

Result<Value> items(Interpreter& run, const Value& value, const Arguments&) {
  if (value.is_undefined()) return Value::list({});
  if (!value.is_map()) return Error::corrupt("the items of {}, expected a mapping", value.kind_name());
  return entries_of(run.budget(), value.as_map(), true, true);
}

Result<Value> join(Interpreter& run, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("join", {"d", "attribute"}));
  TRY_ASSIGN(Value::List parts, items_of(value, run.budget()));
  for (Value& part : parts) {
    TRY_ASSIGN(part, attribute_at(run, part, given[1]));
  }
  TRY_ASSIGN(const Text separator, to_text(given[0], run.budget()));
  return join_texts(run.budget(), parts, separator);
}

Result<Value> sort(Interpreter& run, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("sort", {"reverse", "case_sensitive", "attribute"}));
  TRY_ASSIGN(Value::List all, items_of(value, run.budget()));
  const auto key = [&](const Value& item) { return key_of(run, item, given[2], given[1].truth()); };
  TRY(sort_by(all, key, given[0].truth(), run.budget()));
  return Value::list(std::move(all));
}

Result<Value> dictsort(Interpreter& run, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("dictsort", {"case_sensitive", "by", "reverse"}));
  if (!value.is_map()) return Error::corrupt("dictsort of {}, expected a mapping", value.kind_name());
  TRY_ASSIGN(const Value pairs, entries_of(run.budget(), value.as_map(), true, true));
  const bool by_value = given[1].is_text() && given[1].as_text().bytes() == "value";
  Value::List all = pairs.as_list();
  const auto key = [&](const Value& pair) {
    return key_of(run, pair.as_list()[by_value ? 1 : 0], Value(), given[0].truth());
  };
  TRY(sort_by(all, key, given[2].truth(), run.budget()));
  return Value::list(std::move(all));
}

/// The first of items with equal keys.
Result<Value> unique(Interpreter& run, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("unique", {"case_sensitive", "attribute"}));
  TRY_ASSIGN(const Value::List all, items_of(value, run.budget()));
  Value::List keys, kept;
  for (const Value& item : all) {
    TRY_ASSIGN(Value key, key_of(run, item, given[1], given[0].truth()));
    TRY_ASSIGN(const bool known, contains(Value::list(keys), key, run.budget()));
    if (known) continue;
    TRY(run.budget().spend_values(keys.size()));
    keys.push_back(std::move(key));
    kept.push_back(item);
  }
  return Value::list(std::move(kept));
}

template <bool kMax>
Result<Value> extreme(Interpreter& run, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind(kMax ? "max" : "min", {"case_sensitive", "attribute"}));
  TRY_ASSIGN(const Value::List all, items_of(value, run.budget()));
  if (all.empty()) return Value::undefined(kMax ? "the largest of no items" : "the smallest of no items");
  const Value* best = nullptr;
  Value best_key;
  for (const Value& item : all) {
    TRY_ASSIGN(Value key, key_of(run, item, given[1], given[0].truth()));
    if (best != nullptr) {
      TRY_ASSIGN(const int sign, order(key, best_key, run.budget()));
      if (kMax ? sign <= 0 : sign >= 0) continue;
    }
    best = &item;
    best_key = std::move(key);
  }
  return *best;
}

Result<Value> sum(Interpreter& run, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("sum", {"attribute", "start"}));
  TRY_ASSIGN(const Value::List all, items_of(value, run.budget()));
  Value total = given[1].is_undefined() ? Value::integer(0) : given[1];
  for (const Value& item : all) {
    TRY_ASSIGN(const Value part, attribute_at(run, item, given[0]));
    TRY_ASSIGN(total, arithmetic("+", total, part, run.budget()));
  }
  return total;
}

/// Those of which a test holds, or does not: select(test, arguments...), selectattr(attribute, test, arguments...).
template <bool kAttribute, bool kHolds>
Result<Value> chosen(Interpreter& run, const Value& value, const Arguments& arguments) {
  Arguments rest = arguments;
  const auto take = [&] {
    if (rest.positional.empty()) return Value();
    Value first = rest.positional.front();
    rest.positional.erase(rest.positional.begin());
    return first;
  };
  const Value attribute = kAttribute ? take() : Value();
  if (kAttribute && attribute.is_undefined()) return Error::corrupt("selectattr or rejectattr without an attribute");
  const Value test = take();
  if (!test.is_undefined() && !test.is_text()) return Error::corrupt("the name of a test is {}", test.kind_name());
  if (!value.truth()) return Value::list({});  // none too
  TRY_ASSIGN(const Value::List all, items_of(value, run.budget()));
  Value::List kept;
  for (const Value& item : all) {
    TRY_ASSIGN(const Value part, attribute_at(run, item, attribute));
    bool holds = part.truth();
    if (test.is_text()) {
      TRY_ASSIGN(holds, apply_test(run, test.as_text().bytes(), part, rest));
    }
    if (holds == kHolds) kept.push_back(item);
  }
  return Value::list(std::move(kept));
}

Result<Value> map(Interpreter& run, const Value& value, const Arguments& arguments) {
  if (!value.truth()) return Value::list({});
  TRY_ASSIGN(Value::List all, items_of(value, run.budget()));
  if (arguments.positional.empty()) {
    TRY_ASSIGN(const auto given, arguments.bind("map", {"attribute", "default"}));
    if (given[0].is_undefined()) return Error::corrupt("map without a filter or attribute");
    for (Value& item : all) {
      TRY_ASSIGN(item, attribute_at(run, item, given[0]));
      if (item.is_undefined() && !given[1].is_undefined()) item = given[1];
    }
    return Value::list(std::move(all));
  }
  Arguments rest = arguments;
  const Value name = rest.positional.front();
  rest.positional.erase(rest.positional.begin());
  if (!name.is_text()) return Error::corrupt("the name of a filter is {}", name.kind_name());
  for (Value& item : all) {
    TRY_ASSIGN(item, apply_filter(run, name.as_text().bytes(), item, rest));
  }
  return Value::list(std::move(all));
}

}  // namespace

const std::vector<NamedFilter>& list_filters() {
  static const std::vector<NamedFilter> all = {
      {"length", length},
      {"count", length},
      {"first", end_item<false>},
      {"last", end_item<true>},
      {"list", list},
      {"reverse", reverse},
      {"items", items},
      {"join", join},
      {"sort", sort},
      {"dictsort", dictsort},
      {"unique", unique},
      {"min", extreme<false>},
      {"max", extreme<true>},
      {"sum", sum},
      {"select", chosen<false, true>},
      {"reject", chosen<false, false>},
      {"selectattr", chosen<true, true>},
      {"rejectattr", chosen<true, false>},
      {"map", map},
  };
  return all;
}

}  // namespace adder::jinja
