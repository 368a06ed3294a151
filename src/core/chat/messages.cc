#include "core/chat/messages.h"

#include "core/base/utf8.h"
#include "core/formats/json.h"

namespace adder {
namespace {

using Json = nlohmann::ordered_json;

Result<Json> tidy_content(const Json& content, size_t number) {
  if (content.is_null()) return content;
  if (content.is_string()) return Json(mended_utf8(content.get_ref<const std::string&>()));
  if (!content.is_array()) return Error::usage("message {}: content is {}, expected text", number, content.type_name());
  std::string text;
  for (const Json& part : content) {
    if (!part.is_object() || !part.contains("type") || part["type"] != "text")
      return Error::unsupported("message {}: content other than text", number);
    if (!part.contains("text") || !part["text"].is_string())
      return Error::usage("message {}: a part of type text without \"text\"", number);
    text += mended_utf8(part["text"].get_ref<const std::string&>());
  }
  return Json(text);
}

Status tidy_call(Json& call, CallArguments form, size_t number) {
  if (!call.is_object())
    return Error::usage("message {}: a tool call is {}, expected an object", number, call.type_name());
  Json& function = call.contains("function") ? call["function"] : call;
  if (!function.is_object() || !function.contains("name") || !function["name"].is_string())
    return Error::usage("message {}: a tool call without a name", number);
  if (!function.contains("arguments")) function["arguments"] = Json::object();
  Json& arguments = function["arguments"];
  if (form == CallArguments::kObject && arguments.is_string()) {
    const auto parsed = parse_ordered(arguments.get_ref<const std::string&>());
    if (parsed && parsed->is_object()) arguments = *parsed;
  } else if (form == CallArguments::kText && !arguments.is_string()) {
    arguments = arguments.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return {};
}

}  // namespace

std::optional<Json> parse_ordered(std::string_view text) {
  if (!parse_json(text, "")) return std::nullopt;
  return Json::parse(text, nullptr, false);
}

std::string mended_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Utf8Piece piece = utf8_next(text);
    out += piece.kind == Utf8Piece::Kind::kCodePoint ? text.substr(0, piece.bytes) : kReplacementCharacter;
    text.remove_prefix(piece.bytes);
  }
  return out;
}

Result<Json> tidy_messages(const Json& messages, CallArguments form) {
  if (!messages.is_array()) return Error::usage("messages are {}, expected a list", messages.type_name());
  Json tidy = messages;
  for (size_t i = 0; i < tidy.size(); ++i) {
    Json& message = tidy[i];
    if (!message.is_object() || !message.contains("role") || !message["role"].is_string())
      return Error::usage("message {} has no role", i);
    if (!message.contains("content")) message["content"] = nullptr;
    TRY_ASSIGN(message["content"], tidy_content(message["content"], i));
    if (message.contains("reasoning") && !message.contains("reasoning_content"))
      message["reasoning_content"] = message["reasoning"];
    if (message.contains("reasoning_content") && message["reasoning_content"].is_null())
      message.erase("reasoning_content");
    if (!message.contains("tool_calls")) continue;
    Json& calls = message["tool_calls"];
    if (calls.is_null()) {
      message.erase("tool_calls");
      continue;
    }
    if (!calls.is_array()) return Error::usage("message {}: tool_calls are {}, expected a list", i, calls.type_name());
    for (Json& call : calls) TRY(tidy_call(call, form, i));
  }
  return tidy;
}

}  // namespace adder
