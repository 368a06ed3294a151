#include "core/chat/tool_call.h"

#include <algorithm>
#include <optional>

#include "core/chat/messages.h"

namespace adder {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFunction = "<function=", kFunctionEnd = "</function>",
                           kParameter = "<parameter=", kParameterEnd = "</parameter>";

std::string_view stripped(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

const Json& member(const Json& object, std::string_view key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

/// The schema of one argument, or null.
const Json& schema_of(const Json& tools, std::string_view function, std::string_view argument) {
  static const Json kNull;
  if (!tools.is_array()) return kNull;
  for (const Json& tool : tools) {
    const Json& declared = tool.is_object() && tool.contains("function") ? tool["function"] : tool;
    if (member(declared, "name") == function)
      return member(member(member(declared, "parameters"), "properties"), argument);
  }
  return kNull;
}

std::optional<Json> as_type(std::string_view value, std::string_view type) {
  const std::string_view bare = stripped(value);
  if (type == "boolean") {
    if (bare == "true" || bare == "True") return Json(true);
    if (bare == "false" || bare == "False") return Json(false);
    return std::nullopt;
  }
  if (type == "null") return bare == "null" || bare == "None" ? std::optional(Json(nullptr)) : std::nullopt;
  std::optional<Json> json = type == "string" ? std::nullopt : parse_ordered(bare);
  const bool fits =
      json && ((type == "integer" && json->is_number_integer()) || (type == "number" && json->is_number()) ||
               (type == "object" && json->is_object()) || (type == "array" && json->is_array()));
  return fits ? json : std::nullopt;
}

/// The types a schema allows: "type", one or a list of them, and those of its "anyOf" and "oneOf".
std::vector<std::string> types_of(const Json& schema) {
  std::vector<std::string> types;
  const Json& type = member(schema, "type");
  for (const Json& one : type.is_array() ? type : Json::array({type}))
    if (one.is_string()) types.push_back(one.get<std::string>());
  for (const std::string_view key : {"anyOf", "oneOf"})
    for (const Json& choice : member(schema, key))
      if (const Json& one = member(choice, "type"); one.is_string()) types.push_back(one.get<std::string>());
  return types;
}

Json typed(std::string_view value, const Json& schema) {
  for (const std::string& type : types_of(schema))
    if (auto converted = as_type(value, type)) return *converted;
  return Json(std::string(value));
}

std::string_view without_line_feeds(std::string_view value) {
  if (value.starts_with('\n')) value.remove_prefix(1);
  if (value.ends_with('\n')) value.remove_suffix(1);
  return value;
}

/// NAME of "<function=NAME>" or "<parameter=NAME>" at the front of `text`, which then begins behind it.
std::optional<std::string> take_name(std::string_view& text, std::string_view tag) {
  const size_t end = text.find('>');
  if (!text.starts_with(tag) || end == text.npos) return std::nullopt;
  const std::string_view name = stripped(text.substr(tag.size(), end - tag.size()));
  if (name.empty() || name.find_first_of("<\n") != name.npos) return std::nullopt;
  text.remove_prefix(end + 1);
  return std::string(name);
}

std::optional<ToolCall> read_tagged(std::string_view text, const Json& tools) {
  ToolCall call{.name = {}, .arguments = Json::object()};
  const auto name = take_name(text, kFunction);
  if (!name) return std::nullopt;
  call.name = *name;
  text = text.substr(0, text.rfind(kFunctionEnd));
  for (text = stripped(text); !text.empty(); text = stripped(text)) {
    const auto key = take_name(text, kParameter);
    if (!key) return std::nullopt;
    const size_t close = text.find(kParameterEnd);
    const size_t next = text.find(std::string("\n") + std::string(kParameter));
    const size_t end = std::min({close, next, text.size()});
    call.arguments[*key] = typed(without_line_feeds(text.substr(0, end)), schema_of(tools, call.name, *key));
    text.remove_prefix(end == close ? end + kParameterEnd.size() : end);
  }
  return call;
}

std::optional<ToolCall> read_object(const Json& json) {
  const Json& function = member(json, "function").is_object() ? member(json, "function") : json;
  const Json& name = member(function, "name");
  const Json& given = member(function, member(function, "arguments").is_null() ? "parameters" : "arguments");
  if (!name.is_string() || name.get_ref<const std::string&>().empty()) return std::nullopt;
  if (given.is_null()) return ToolCall{name.get<std::string>(), Json::object()};
  const auto arguments = given.is_string() ? parse_ordered(given.get_ref<const std::string&>()) : std::optional(given);
  if (!arguments || !arguments->is_object()) return std::nullopt;
  return ToolCall{name.get<std::string>(), *arguments};
}

}  // namespace

std::vector<ToolCall> read_tool_calls(std::string_view text, const Json& tools) {
  text = stripped(text);
  if (text.starts_with(kFunction)) {
    if (auto call = read_tagged(text, tools)) return {std::move(*call)};
    return {};
  }
  const auto json = text.starts_with('{') || text.starts_with('[') ? parse_ordered(text) : std::nullopt;
  if (!json) return {};
  std::vector<ToolCall> calls;
  for (const Json& one : json->is_array() ? *json : Json::array({*json})) {
    auto call = read_object(one);
    if (!call) return {};
    calls.push_back(std::move(*call));
  }
  return calls;
}

}  // namespace adder
