#include "core/template/value.h"

#include <algorithm>
#include <array>
#include <limits>

namespace adder::jinja {

Result<std::vector<Value>> Arguments::bind(std::string_view what, const std::vector<std::string_view>& names,
                                           size_t required) const {
  if (positional.size() > names.size())
    return Error::corrupt("{} takes at most {} arguments, found {}", what, names.size(), positional.size());
  std::vector<Value> bound = positional;
  bound.resize(names.size());
  std::vector<bool> given(names.size());
  std::fill_n(given.begin(), positional.size(), true);
  for (const auto& [name, value] : named) {
    const auto at = static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    if (at == names.size()) return Error::corrupt("{} has no argument '{}'", what, name);
    if (given[at]) return Error::corrupt("{}: argument '{}' is given twice", what, name);
    bound[at] = value;
    given[at] = true;
  }
  for (size_t i = 0; i < required; ++i)
    if (!given[i]) return Error::corrupt("{}: argument '{}' is missing", what, names[i]);
  return bound;
}

Value Value::undefined(std::string name) {
  return Value(Undefined{std::make_shared<const std::string>(std::move(name))});
}

Value Value::list(List items) {
  int nesting = 0;
  for (const Value& item : items) nesting = std::max(nesting, item.nesting());
  return Value(std::make_shared<const ListBox>(ListBox{std::move(items), nesting + 1}));
}

Value Value::map(Map entries) {
  int nesting = 0;
  for (const auto& [key, value] : entries.entries()) nesting = std::max(nesting, value.nesting());
  return Value(std::make_shared<const MapBox>(MapBox{std::move(entries), nesting + 1}));
}

namespace {

Result<Value> value_of(const nlohmann::ordered_json& json, bool quoted, int left) {
  if (left == 0) return Error::too_large("values nested more than {} deep", Value::kMostNesting);
  if (json.is_boolean()) return Value::boolean(json.get<bool>());
  if (json.is_number_unsigned() && json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return Value::number(json.get<double>());
  if (json.is_number_integer()) return Value::integer(json.get<int64_t>());
  if (json.is_number()) return Value::number(json.get<double>());
  if (json.is_string()) return Value::text(Text(json.get_ref<const std::string&>(), quoted));
  if (json.is_array()) {
    Value::List items;
    for (const auto& item : json) {
      TRY_ASSIGN(Value value, value_of(item, quoted, left - 1));
      items.push_back(std::move(value));
    }
    return Value::list(std::move(items));
  }
  if (json.is_object()) {
    Map map;
    for (const auto& [key, item] : json.items()) {
      TRY_ASSIGN(Value value, value_of(item, quoted, left - 1));
      map.set(Text(key, quoted), std::move(value));
    }
    return Value::map(std::move(map));
  }
  return Value::none();
}

}  // namespace

Result<Value> Value::from_json(const nlohmann::ordered_json& json, bool quoted) {
  return value_of(json, quoted, kMostNesting);
}

std::string_view Value::kind_name() const {
  static constexpr std::array<std::string_view, 10> kNames = {"undefined", "none", "boolean", "integer",   "float",
                                                              "text",      "list", "mapping", "namespace", "function"};
  return kNames[data_.index()];
}

int64_t Value::as_integer() const {
  return is(Kind::kBool) ? static_cast<int64_t>(as_bool()) : std::get<int64_t>(data_);
}
double Value::as_number() const {
  return is(Kind::kFloat) ? std::get<double>(data_) : static_cast<double>(as_integer());
}
const Value::List& Value::as_list() const {
  return std::get<std::shared_ptr<const ListBox>>(data_)->items;
}
const Map& Value::as_map() const {
  return std::get<std::shared_ptr<const MapBox>>(data_)->entries;
}

bool Value::truth() const {
  switch (kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInteger:
    case Kind::kFloat:
      return as_number() != 0;
    case Kind::kText:
      return !as_text().empty();
    case Kind::kList:
      return !as_list().empty();
    case Kind::kMap:
      return !as_map().entries().empty();
    case Kind::kNamespace:
    case Kind::kFunction:
      return true;
  }
  return false;
}

int Value::nesting() const {
  if (is_list()) return std::get<std::shared_ptr<const ListBox>>(data_)->nesting;
  if (is_map()) return std::get<std::shared_ptr<const MapBox>>(data_)->nesting;
  return 0;
}

bool Value::same_object(const Value& other) const {
  if (kind() != other.kind()) return false;
  if (is_text()) return &as_text() == &other.as_text();
  if (is_list()) return &as_list() == &other.as_list();
  if (is_map()) return &as_map() == &other.as_map();
  return false;
}

void Map::set(Text key, Value value) {
  const auto [place, is_new] = places_.try_emplace(key.bytes(), entries_.size());
  if (is_new) {
    entries_.emplace_back(std::move(key), std::move(value));
  } else {
    entries_[place->second].second = std::move(value);
  }
}

const Value* Map::find(std::string_view key) const {
  const auto place = places_.find(std::string(key));
  return place == places_.end() ? nullptr : &entries_[place->second].second;
}

}  // namespace adder::jinja
