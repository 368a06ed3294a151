#include "core/template/filters.h"

#include <charconv>
#include <cmath>

#include "core/formats/names.h"
#include "core/template/text_functions.h"
#include "core/template/value_writer.h"

namespace adder::jinja {
namespace {

using Kind = Value::Kind;

template <Text (Text::*kChange)() const>
Result<Value> changed(Interpreter& run, const Value& value, const Arguments&) {
  TRY_ASSIGN(const Text text, to_text(value, run.budget()));
  return Value::text((text.*kChange)());
}

Result<Value> string(Interpreter& run, const Value& value, const Arguments&) {
  TRY_ASSIGN(Text text, to_text(value, run.budget()));
  return Value::text(std::move(text));
}

Result<Value> safe(Interpreter&, const Value& value, const Arguments&) {
  return value;
}

Result<Value> trim(Interpreter& run, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("trim", {"chars"}));
  TRY_ASSIGN(const Text text, to_text(value, run.budget()));
  if (given[0].is_undefined() || given[0].is_none()) return Value::text(text.strip());
  TRY_ASSIGN(const Text characters, to_text(given[0], run.budget()));
  TRY(run.budget().spend_bytes(text.bytes().size() * (1 + characters.bytes().size() / 16)));
  return Value::text(text.strip(Text::Side::kBoth, characters.bytes()));
}

Result<Value> replace_filter(Interpreter& run, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const Text text, to_text(value, run.budget()));
  return replace(run.budget(), text, arguments);
}

Result<Value> indent(Interpreter& run, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("indent", {"width", "first", "blank"}));
  TRY_ASSIGN(Text text, to_text(value, run.budget()));
  Text margin;
  if (given[0].is_text()) {
    margin = given[0].as_text();
  } else {
    TRY_ASSIGN(const int64_t width, integer_or(given[0], 4, "indent"));
    TRY(run.budget().spend_bytes(static_cast<size_t>(std::max<int64_t>(width, 0))));
    margin = Text(std::string(static_cast<size_t>(std::max<int64_t>(width, 0)), ' '));
  }
  text.append("\n");  // a line end at the end begins one more line
  Text out;
  bool first = true;
  for (const Text& line : text.lines()) {
    if (!first) out.append("\n");
    if (first ? given[1].truth() : !line.empty() || given[2].truth()) {
      TRY(run.budget().spend_bytes(margin.bytes().size()));
      out.append(margin);
    }
    out.append(line);
    first = false;
  }
  return Value::text(std::move(out));
}

Result<Value> tojson(Interpreter& run, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("tojson", {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ascii = given[0].truth();
  style.sort_keys = given[3].truth();
  TRY_ASSIGN(style.indent, integer_or(given[1], -1, "tojson: indent"));
  if (style.indent >= 0) style.item_separator = std::string(",");
  if (given[2].is_list()) {
    const Value::List& pair = given[2].as_list();
    if (pair.size() != 2 || !pair[0].is_text() || !pair[1].is_text())
      return Error::corrupt("tojson: separators are two texts");
    style.item_separator = pair[0].as_text().bytes();
    style.key_separator = pair[1].as_text().bytes();
  }
  TRY_ASSIGN(Text text, to_json(value, style, run.budget()));
  return Value::text(std::move(text));
}

Result<Value> fallback(Interpreter&, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("default", {"default_value", "boolean"}));
  if (!value.is_undefined() && (value.truth() || !given[1].truth())) return value;
  const bool none_given = arguments.positional.empty() && given[0].is_undefined();
  return none_given ? Value::text("") : given[0];
}

template <class T>
std::optional<T> parsed(const Value& value) {
  const Text stripped = value.as_text().strip();
  std::string_view text = stripped.bytes();
  if (text.starts_with('+')) text.remove_prefix(1);
  T number{};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> as_float(const Value& value) {
  if (value.is_number()) return value.as_number();
  return value.is_text() ? parsed<double>(value) : std::nullopt;
}

Result<Value> to_float(Interpreter&, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("float", {"default"}));
  if (const auto number = as_float(value)) return Value::number(*number);
  return given[0].is_undefined() ? Value::number(0) : given[0];
}

Result<Value> to_int(Interpreter&, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("int", {"default"}));
  if (value.is(Kind::kInteger) || value.is(Kind::kBool)) return Value::integer(value.as_integer());
  if (value.is_text())
    if (const auto whole = parsed<int64_t>(value)) return Value::integer(*whole);
  if (const auto number = as_float(value); number && std::abs(*number) < 9.2e18)
    return Value::integer(static_cast<int64_t>(*number));
  return given[0].is_undefined() ? Value::integer(0) : given[0];
}

Result<Value> abs(Interpreter&, const Value& value, const Arguments&) {
  if (!value.is_number()) return Error::corrupt("abs of {}, expected a number", value.kind_name());
  if (value.is(Kind::kFloat)) return Value::number(std::abs(value.as_number()));
  if (value.as_integer() == INT64_MIN) return Error::corrupt("abs: a whole number beyond 64 bits");
  return Value::integer(std::abs(value.as_integer()));
}

Result<Value> round(Interpreter&, const Value& value, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("round", {"precision", "method"}));
  TRY_ASSIGN(const int64_t precision, integer_or(given[0], 0, "round"));
  if (!value.is_number()) return Error::corrupt("round of {}, expected a number", value.kind_name());
  if (precision < 0 || precision > 15) return Error::unsupported("round to {} digits", precision);
  const std::string method = given[1].is_text() ? given[1].as_text().bytes() : "common";
  const double scale = std::pow(10.0, static_cast<double>(precision)), scaled = value.as_number() * scale;
  if (method == "ceil") return Value::number(std::ceil(scaled) / scale);
  if (method == "floor") return Value::number(std::floor(scaled) / scale);
  if (method != "common") return Error::corrupt("round by {}, expected common, ceil or floor", quote(method));
  return Value::number(std::nearbyint(scaled) / scale);  // half to even, as Python rounds
}

}  // namespace

const std::vector<NamedFilter>& text_filters() {
  static const std::vector<NamedFilter> all = {
      {"upper", changed<&Text::upper>},
      {"lower", changed<&Text::lower>},
      {"title", changed<&Text::title_words>},
      {"capitalize", changed<&Text::capitalize>},
      {"string", string},
      {"safe", safe},
      {"trim", trim},
      {"replace", replace_filter},
      {"indent", indent},
      {"tojson", tojson},
      {"default", fallback},
      {"d", fallback},
      {"float", to_float},
      {"int", to_int},
      {"abs", abs},
      {"round", round},
  };
  return all;
}

Result<Value> apply_filter(Interpreter& run, std::string_view name, const Value& value, const Arguments& arguments) {
  TRY(run.budget().spend_steps(1));
  for (const auto* filters : {&text_filters(), &list_filters()})
    for (const NamedFilter& known : *filters)
      if (known.name == name) return known.filter(run, value, arguments);
  return Error::unsupported("there is no filter {}", quote(name));
}

}  // namespace adder::jinja
