#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace adder {

/// How the arguments of tool calls are handed to a template: as an object, or as the text of one.
enum class CallArguments { kObject, kText };

/// Messages in the form that templates expect, whatever of the allowed forms they came in: content that is a list of
/// texts becomes one text, arguments the form asked for (if they are an object or the text of one; else they stay),
/// `reasoning` is also called reasoning_content. Text that is not UTF-8 is mended with U+FFFD.
///
/// kUsage, with the number of the message, for what is not a conversation; kUnsupported for content other than text.
Result<nlohmann::ordered_json> tidy_messages(const nlohmann::ordered_json& messages, CallArguments form);

/// A JSON value with its keys in the order of the text; none where parse_json refuses, for nesting say.
std::optional<nlohmann::ordered_json> parse_ordered(std::string_view text);

/// `text`, every piece that is not UTF-8 replaced by U+FFFD.
std::string mended_utf8(std::string_view text);

}  // namespace adder
