#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace adder {

struct ToolCall {
  std::string name;
  nlohmann::ordered_json arguments;  ///< an object
  bool operator==(const ToolCall&) const = default;
};

/// The calls in what a model wrote between the marks of a tool call:
///   Nemotron 3    <function=NAME> then for each argument <parameter=KEY>VALUE</parameter>, </function>. One line feed
///                 at each end of VALUE belongs to the notation. VALUE is of the type that the tool's JSON schema
///                 declares (integer, number, boolean, null, object, array; None, True and False as Python prints them
///                 too), and text where nothing is declared or the value is not of that type. Closing tags may be
///                 missing
///   Hermes, Qwen  {"name": NAME, "arguments": {...}}, and lists of these (Nemotron Nano 2)
/// `tools` as in ChatRequest. Empty when the text is neither. Any bytes are fine; UTF-8 goes in, UTF-8 comes out.
std::vector<ToolCall> read_tool_calls(std::string_view text, const nlohmann::ordered_json& tools);

}  // namespace adder
