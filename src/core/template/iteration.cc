#include "core/template/iteration.h"

#include <algorithm>
#include <optional>

#include "core/template/methods.h"

namespace adder::jinja {
namespace {

using Kind = Value::Kind;

Result<std::optional<int64_t>> slice_bound(const Value& value) {
  if (value.is_undefined() || value.is_none()) return std::nullopt;
  if (value.is(Kind::kInteger) || value.is(Kind::kBool)) return value.as_integer();
  return Error::corrupt("a slice from or to {}, expected an integer", value.kind_name());
}

}  // namespace

Result<Value::List> items_of(const Value& value, Budget& budget) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return Value::List();
    case Kind::kList:
      TRY(budget.spend_values(value.as_list().size()));
      return value.as_list();
    case Kind::kMap: {
      TRY(budget.spend_values(value.as_map().entries().size()));
      Value::List keys;
      for (const auto& [key, item] : value.as_map().entries()) keys.push_back(Value::text(key));
      return keys;
    }
    case Kind::kText: {
      TRY(budget.spend_values(value.as_text().bytes().size()));
      Value::List characters;
      for (Text& character : value.as_text().characters()) characters.push_back(Value::text(std::move(character)));
      return characters;
    }
    default:
      return Error::corrupt("a loop over {}, expected a list, mapping or text", value.kind_name());
  }
}

Value loop_variable(const Value::List& items, size_t i) {
  const auto n = static_cast<int64_t>(items.size()), at = static_cast<int64_t>(i);
  Map loop;
  const auto number = [&](std::string_view name, int64_t value) { loop.set(Text(name), Value::integer(value)); };
  number("index", at + 1);
  number("index0", at);
  number("revindex", n - at);
  number("revindex0", n - at - 1);
  number("length", n);
  number("depth", 1);
  number("depth0", 0);
  loop.set(Text("first"), Value::boolean(at == 0));
  loop.set(Text("last"), Value::boolean(at == n - 1));
  if (i > 0) loop.set(Text("previtem"), items[i - 1]);
  if (at < n - 1) loop.set(Text("nextitem"), items[i + 1]);
  loop.set(Text("cycle"), Value::function([i](Interpreter&, const Arguments& arguments) -> Result<Value> {
             if (arguments.positional.empty()) return Error::corrupt("loop.cycle without values");
             return arguments.positional[i % arguments.positional.size()];
           }));
  return Value::map(std::move(loop));
}

Result<Value> item_of(const Value& value, const Value& index, Budget& budget) {
  if (value.is_undefined())
    return Error::corrupt("{} is undefined, so it has no items",
                          value.undefined_name() ? *value.undefined_name() : "a value");
  if (index.is_text()) {
    const std::string& name = index.as_text().bytes();
    const Map* map = value.is_map()               ? &value.as_map()
                     : value.is(Kind::kNamespace) ? &value.as_namespace().fields
                                                  : nullptr;
    if (const Value* found = map == nullptr ? nullptr : map->find(name)) return *found;
    if (auto method = find_method(value, name)) return *method;
    return Value::undefined(name);
  }
  if (!index.is(Kind::kInteger) && !index.is(Kind::kBool)) return Value::undefined(std::string(index.kind_name()));
  int64_t at = index.as_integer();
  const Value missing = Value::undefined(fmt::format("item {}", at));
  if (value.is_text()) {
    TRY(budget.spend_bytes(value.as_text().bytes().size()));
    const auto n = static_cast<int64_t>(value.as_text().length());
    if (at < 0) at += n;
    if (at < 0 || at >= n) return missing;
    return Value::text(value.as_text().slice(static_cast<size_t>(at), static_cast<size_t>(at) + 1));
  }
  if (!value.is_list()) return missing;
  const auto n = static_cast<int64_t>(value.as_list().size());
  if (at < 0) at += n;
  return at < 0 || at >= n ? missing : value.as_list()[static_cast<size_t>(at)];
}

Result<Value> slice_of(const Value& value, const Value& begin, const Value& end, const Value& step, Budget& budget) {
  if (!value.is_list() && !value.is_text())
    return Error::corrupt("a slice of {}, expected a list or text", value.kind_name());
  TRY_ASSIGN(const auto from, slice_bound(begin));
  TRY_ASSIGN(const auto to, slice_bound(end));
  TRY_ASSIGN(const auto by, slice_bound(step));
  const int64_t stride = by.value_or(1);
  if (stride == 0) return Error::corrupt("a slice with step 0");

  const bool plain_text = value.is_text() && stride == 1;
  if (plain_text) TRY(budget.spend_bytes(value.as_text().bytes().size()));
  Value::List items;
  if (!plain_text) {
    TRY_ASSIGN(items, items_of(value, budget));
  }
  const auto n = static_cast<int64_t>(plain_text ? value.as_text().length() : items.size());
  // Python clips to 0..n going up and to -1..n-1 going down.
  const int64_t low = stride > 0 ? 0 : -1, high = stride > 0 ? n : n - 1;
  const auto clip = [&](int64_t at) { return std::clamp(at < 0 ? at + n : at, low, high); };
  const int64_t first = from ? clip(*from) : stride > 0 ? low : high;
  const int64_t last = to ? clip(*to) : stride > 0 ? high : low;

  if (plain_text)
    return Value::text(value.as_text().slice(static_cast<size_t>(first), static_cast<size_t>(std::max(first, last))));
  Value::List chosen;
  const int64_t distance = stride > 0 ? last - first : first - last;
  const int64_t stride_size = stride > 0 ? stride : stride == INT64_MIN ? INT64_MAX : -stride;
  for (int64_t gone = 0; gone < distance; gone += std::min(stride_size, distance - gone))
    chosen.push_back(items[static_cast<size_t>(stride > 0 ? first + gone : first - gone)]);
  if (value.is_list()) return Value::list(std::move(chosen));
  Text text;
  for (const Value& character : chosen) text.append(character.as_text());
  return Value::text(std::move(text));
}

}  // namespace adder::jinja
