#include "core/template/text_functions.h"

#include "core/base/utf8.h"
#include "core/template/value_writer.h"

namespace adder::jinja {

Result<int64_t> integer_or(const Value& value, int64_t fallback, std::string_view what) {
  if (value.is_undefined() || value.is_none()) return fallback;
  if (!value.is(Value::Kind::kInteger) && !value.is(Value::Kind::kBool))
    return Error::corrupt("{}: {}, expected an integer", what, value.kind_name());
  return value.as_integer();
}

Result<Value> replace(Budget& budget, const Text& text, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("replace", {"old", "new", "count"}, 2));
  TRY_ASSIGN(const Text old_text, to_text(given[0], budget));
  TRY_ASSIGN(const Text new_text, to_text(given[1], budget));
  TRY_ASSIGN(int64_t left, integer_or(given[2], -1, "replace"));
  const std::string &bytes = text.bytes(), &old = old_text.bytes();
  TRY(budget.spend_bytes(bytes.size() + old.size()));
  Text out;
  size_t done = 0;
  for (size_t at = 0; left != 0 && at <= bytes.size(); left -= left > 0 ? 1 : 0) {
    const size_t found = find_bytes(bytes, old, at);
    if (found == std::string::npos) break;
    TRY(budget.spend_bytes(new_text.bytes().size() + 1));
    out.append(text.cut(done, found));
    out.append(new_text);
    done = found + old.size();
    at = !old.empty()           ? done
         : found < bytes.size() ? found + utf8_next(std::string_view(bytes).substr(found)).bytes
                                : found + 1;
  }
  out.append(text.cut(done, bytes.size()));
  return Value::text(std::move(out));
}

Result<Value> join_texts(Budget& budget, const Value::List& items, const Text& separator) {
  Text out;
  for (size_t i = 0; i < items.size(); ++i) {
    TRY_ASSIGN(const Text item, to_text(items[i], budget));
    if (i > 0) {
      TRY(budget.spend_bytes(separator.bytes().size()));
      out.append(separator);
    }
    out.append(item);
  }
  return Value::text(std::move(out));
}

Result<Value> entries_of(Budget& budget, const Map& map, bool keys, bool values) {
  TRY(budget.spend_values(map.entries().size() * (keys && values ? 3 : 1)));
  Value::List all;
  for (const auto& [key, value] : map.entries()) {
    if (keys && values) {
      all.push_back(Value::list({Value::text(key), value}));
    } else {
      all.push_back(keys ? Value::text(key) : value);
    }
  }
  return Value::list(std::move(all));
}

}  // namespace adder::jinja
