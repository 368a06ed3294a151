#include "core/template/methods.h"

#include <algorithm>

#include "core/base/utf8.h"
#include "core/template/interpreter.h"
#include "core/template/iteration.h"
#include "core/template/text_functions.h"
#include "core/template/value_writer.h"

namespace adder::jinja {
namespace {

using Kind = Value::Kind;
using Method = Result<Value> (*)(Interpreter&, const Value& self, const Arguments&);

struct Entry {
  std::string_view name;
  Method method;
};

Result<std::optional<std::string>> optional_text(const Value& value, std::string_view what) {
  if (value.is_undefined() || value.is_none()) return std::nullopt;
  if (!value.is_text()) return Error::corrupt("{}: {}, expected text", what, value.kind_name());
  return value.as_text().bytes();
}

template <Text::Side kSide>
Result<Value> strip(Interpreter& run, const Value& self, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("strip", {"chars"}));
  TRY_ASSIGN(const auto characters, optional_text(given[0], "strip"));
  TRY(run.budget().spend_bytes(self.as_text().bytes().size() * (1 + (characters ? characters->size() / 16 : 0))));
  return Value::text(self.as_text().strip(kSide, characters));
}

template <bool kFromRight>
Result<Value> split(Interpreter& run, const Value& self, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("split", {"sep", "maxsplit"}));
  TRY_ASSIGN(const auto separator, optional_text(given[0], "split"));
  if (separator && separator->empty()) return Error::corrupt("split at an empty separator");
  TRY_ASSIGN(const int64_t most, integer_or(given[1], -1, "split"));
  TRY(run.budget().spend_bytes(self.as_text().bytes().size()));
  Value::List parts;
  for (Text& part : self.as_text().split(separator, most, kFromRight)) {
    TRY(run.budget().spend_values(1));
    parts.push_back(Value::text(std::move(part)));
  }
  return Value::list(std::move(parts));
}

Result<Value> splitlines(Interpreter& run, const Value& self, const Arguments& arguments) {
  TRY(arguments.bind("splitlines", {}));
  TRY(run.budget().spend_bytes(self.as_text().bytes().size()));
  Value::List lines;
  for (Text& line : self.as_text().lines()) {
    TRY(run.budget().spend_values(1));
    lines.push_back(Value::text(std::move(line)));
  }
  return Value::list(std::move(lines));
}

template <bool kAtEnd>
Result<Value> has_affix(Interpreter& run, const Value& self, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind(kAtEnd ? "endswith" : "startswith", {"affix"}, 1));
  const Value::List affixes = given[0].is_list() ? given[0].as_list() : Value::List{given[0]};
  const std::string_view text = self.as_text().bytes();
  for (const Value& affix : affixes) {
    if (!affix.is_text()) return Error::corrupt("startswith or endswith {}, expected text", affix.kind_name());
    const std::string& part = affix.as_text().bytes();
    TRY(run.budget().spend_bytes(part.size()));
    if (kAtEnd ? text.ends_with(part) : text.starts_with(part)) return Value::boolean(true);
  }
  return Value::boolean(false);
}

template <bool kAtEnd>
Result<Value> without_affix(Interpreter& run, const Value& self, const Arguments& arguments) {
  TRY_ASSIGN(const Value has, has_affix<kAtEnd>(run, self, arguments));
  if (!has.truth()) return self;
  if (!arguments.positional[0].is_text()) return Error::corrupt("removeprefix or removesuffix of a list");
  const size_t all = self.as_text().bytes().size(), affix = arguments.positional[0].as_text().bytes().size();
  TRY(run.budget().spend_bytes(all));
  return Value::text(kAtEnd ? self.as_text().cut(0, all - affix) : self.as_text().cut(affix, all));
}

Result<Value> replace_method(Interpreter& run, const Value& self, const Arguments& arguments) {
  return replace(run.budget(), self.as_text(), arguments);
}

template <Text (Text::*kChange)() const>
Result<Value> changed(Interpreter& run, const Value& self, const Arguments& arguments) {
  TRY(arguments.bind("a method that changes letters", {}));
  TRY(run.budget().spend_bytes(self.as_text().bytes().size()));
  return Value::text((self.as_text().*kChange)());
}

template <bool kLast>
Result<Value> find(Interpreter& run, const Value& self, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("find", {"sub"}, 1));
  if (!given[0].is_text()) return Error::corrupt("find {}, expected text", given[0].kind_name());
  const std::string &text = self.as_text().bytes(), &part = given[0].as_text().bytes();
  TRY(run.budget().spend_bytes(text.size() + part.size()));
  size_t found = find_bytes(text, part);
  for (size_t next = found; kLast && next != std::string::npos;) {
    found = next;
    TRY(run.budget().spend_bytes(1 + part.size()));
    next = next < text.size() ? find_bytes(text, part, next + 1) : std::string::npos;
  }
  if (found == std::string::npos) return Value::integer(-1);
  return Value::integer(static_cast<int64_t>(self.as_text().cut(0, found).length()));
}

Result<Value> count(Interpreter& run, const Value& self, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("count", {"sub"}, 1));
  TRY_ASSIGN(const auto part, optional_text(given[0], "count"));
  TRY(run.budget().spend_bytes(self.as_text().bytes().size()));
  if (!part || part->empty()) return Error::corrupt("count of an empty text");
  return Value::integer(static_cast<int64_t>(self.as_text().split(part, -1, false).size()) - 1);
}

Result<Value> join(Interpreter& run, const Value& self, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("join", {"items"}, 1));
  TRY_ASSIGN(const Value::List items, items_of(given[0], run.budget()));
  return join_texts(run.budget(), items, self.as_text());
}

template <bool (*kHolds)(std::string_view character)>
Result<Value> all_characters(Interpreter& run, const Value& self, const Arguments& arguments) {
  TRY(arguments.bind("a method that looks at letters", {}));
  std::string_view rest = self.as_text().bytes();
  TRY(run.budget().spend_bytes(rest.size()));
  bool holds = !rest.empty();
  while (holds && !rest.empty()) {
    const size_t n = utf8_next(rest).bytes;
    holds = kHolds(rest.substr(0, n));
    rest.remove_prefix(n);
  }
  return Value::boolean(holds);
}

bool is_digit(std::string_view c) {
  return c[0] >= '0' && c[0] <= '9';
}
bool is_space(std::string_view c) {
  return space_at_begin(c) == c.size();
}

Result<Value> get(Interpreter&, const Value& self, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("get", {"key", "default"}, 1));
  const Value* found = given[0].is_text() ? self.as_map().find(given[0].as_text().bytes()) : nullptr;
  if (found != nullptr) return *found;
  return given[1].is_undefined() ? Value::none() : given[1];
}

template <bool kKeys, bool kValues>
Result<Value> parts(Interpreter& run, const Value& self, const Arguments& arguments) {
  TRY(arguments.bind("a method of mappings", {}));
  return entries_of(run.budget(), self.as_map(), kKeys, kValues);
}

constexpr Entry kTextMethods[] = {
    {"strip", strip<Text::Side::kBoth>},
    {"lstrip", strip<Text::Side::kLeft>},
    {"rstrip", strip<Text::Side::kRight>},
    {"split", split<false>},
    {"rsplit", split<true>},
    {"splitlines", splitlines},
    {"startswith", has_affix<false>},
    {"endswith", has_affix<true>},
    {"removeprefix", without_affix<false>},
    {"removesuffix", without_affix<true>},
    {"replace", replace_method},
    {"upper", changed<&Text::upper>},
    {"lower", changed<&Text::lower>},
    {"title", changed<&Text::title>},
    {"capitalize", changed<&Text::capitalize>},
    {"find", find<false>},
    {"rfind", find<true>},
    {"count", count},
    {"join", join},
    {"isdigit", all_characters<is_digit>},
    {"isspace", all_characters<is_space>},
};

constexpr Entry kMapMethods[] = {
    {"get", get},
    {"items", parts<true, true>},
    {"keys", parts<true, false>},
    {"values", parts<false, true>},
};

}  // namespace

std::optional<Value> find_method(const Value& value, std::string_view name) {
  const auto bound = [&](const auto& methods) -> std::optional<Value> {
    for (const Entry& entry : methods)
      if (entry.name == name)
        return Value::function([self = value, method = entry.method](Interpreter& run, const Arguments& arguments) {
          return method(run, self, arguments);
        });
    return std::nullopt;
  };
  if (value.is_text()) return bound(kTextMethods);
  if (value.is_map()) return bound(kMapMethods);
  return std::nullopt;
}

Result<Value> attribute_of(const Value& value, std::string_view name) {
  if (value.is_undefined())
    return Error::corrupt("'{}' of {}, which is undefined", name,
                          value.undefined_name() != nullptr ? *value.undefined_name() : "a value");
  if (auto method = find_method(value, name)) return *method;
  const Map* map = value.is_map()               ? &value.as_map()
                   : value.is(Kind::kNamespace) ? &value.as_namespace().fields
                                                : nullptr;
  if (const Value* found = map == nullptr ? nullptr : map->find(name)) return *found;
  return Value::undefined(std::string(name));
}

}  // namespace adder::jinja
