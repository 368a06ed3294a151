#include "core/chat/reply_reader.h"

#include <gmock/gmock.h>

#include "core/chat/chat_format.h"
#include "core/chat/chat_vocabulary_test.h"

namespace adder {
namespace {

using Json = nlohmann::ordered_json;

const Json kTools = Json::parse(R"([{"type": "function", "function": {"name": "add", "parameters": {"type": "object",
  "properties": {"a": {"type": "integer"}, "s": {"type": "string"}}}}}])");
constexpr std::string_view kMarks = "<think></think><tool_call></tool_call>";

class ReplyReaderTest : public ::testing::Test {
 protected:
  /// Reads `text` as ids, control tokens by their names if `by_id`; checks that what was streamed is what there is.
  Json read(std::string_view text, bool thinking, const Json& tools = kTools, bool by_id = true) {
    ReplyMarks marks = marks_of(kMarks, tokenizer_);
    if (!by_id)
      for (auto* mark : {&marks.think_begin, &marks.think_end, &marks.call_begin, &marks.call_end}) mark->id = -1;
    ReplyReader reader(tokenizer_, marks, tools, thinking);
    std::string reasoning, content;
    int calls = 0;
    const auto take = [&](const std::vector<ReplyPart>& parts) {
      for (const ReplyPart& part : parts) {
        if (part.kind == ReplyPart::Kind::kReasoning) reasoning += part.text;
        if (part.kind == ReplyPart::Kind::kContent) content += part.text;
        if (part.kind == ReplyPart::Kind::kCall) ++calls;
      }
    };
    for (const TokenId id : tokenizer_.encode(text, {.add_bos = false, .parse_special = by_id})) take(reader.push(id));
    take(reader.finish());
    const Json message = reader.message();
    EXPECT_EQ(message["content"], content);
    EXPECT_EQ(message.value("reasoning_content", ""), reasoning);
    EXPECT_EQ(message.value("tool_calls", Json::array()).size(), calls);
    return message;
  }
  /// "reasoning|content|name(arguments)..."
  std::string parts(std::string_view text, bool thinking, const Json& tools = kTools, bool by_id = true) {
    const Json message = read(text, thinking, tools, by_id);
    std::string all = message.value("reasoning_content", "") + "|" + message["content"].get<std::string>() + "|";
    for (const Json& call : message.value("tool_calls", Json::array()))
      all += call["function"]["name"].get<std::string>() + "(" + call["function"]["arguments"].get<std::string>() + ")";
    return all;
  }

  Tokenizer tokenizer_ = chat_tokenizer();
};

TEST_F(ReplyReaderTest, SplitsReasoningFromContent) {
  for (const bool by_id : {true, false}) {
    EXPECT_EQ(parts("why\nnot\n</think>\n\nhello there \n", true, kTools, by_id), "why\nnot|hello there|");
    EXPECT_EQ(parts("hello", false, kTools, by_id), "|hello|");
    EXPECT_EQ(parts("no end in sight", true, kTools, by_id), "no end in sight||");
    EXPECT_EQ(parts("<think>\nwhy\n</think>hello", false, kTools, by_id), "why|hello|");
    EXPECT_EQ(parts("</think>", true, kTools, by_id), "||");
  }
}

TEST_F(ReplyReaderTest, ASpelledMarkIsTextWhereTheModelHasATokenForIt) {
  ReplyReader reader(tokenizer_, marks_of(kMarks, tokenizer_), nullptr, true);
  for (const TokenId id : tokenizer_.encode("a </think> b")) reader.push(id);
  reader.finish();
  EXPECT_EQ(reader.message()["reasoning_content"], "a </think> b");
}

TEST_F(ReplyReaderTest, ReadsCallsAmongText) {
  const std::string call = "<tool_call>\n<function=add>\n<parameter=a>\n7\n</parameter>\n</function>\n</tool_call>";
  for (const bool by_id : {true, false}) {
    EXPECT_EQ(parts("so\n</think>\n\npre\n" + call, true, kTools, by_id), "so|pre|add({\"a\":7})");
    EXPECT_EQ(parts(call + "\n" + call, false, kTools, by_id), "||add({\"a\":7})add({\"a\":7})");
    EXPECT_EQ(parts("x" + call + "y", false, kTools, by_id), "|x\ny|add({\"a\":7})");
  }
}

TEST_F(ReplyReaderTest, MissingMarksAreForgiven) {
  EXPECT_EQ(parts("<tool_call>\n<function=add>\n<parameter=a>\n7", false), "||add({\"a\":7})");
  EXPECT_EQ(parts("pre <function=add>\n<parameter=a>\n7\n</parameter>\n</function>\n</tool_call>", false),
            "|pre|add({\"a\":7})");
  EXPECT_EQ(parts("pre <function=add>\n<parameter=a>", false, nullptr), "|pre <function=add>\n<parameter=a>|");
  EXPECT_EQ(parts("<tool_call><function=add></function><tool_call><function=b></function>", false), "||add({})b({})");
}

TEST_F(ReplyReaderTest, WhatIsNoCallStaysText) {
  EXPECT_EQ(parts("<tool_call>\nhello\n</tool_call>", false), "|<tool_call>\nhello\n</tool_call>|");
  EXPECT_EQ(parts("<tool_call>{\"name\": 3}</tool_call>", false), "|<tool_call>{\"name\": 3}</tool_call>|");
  EXPECT_EQ(parts("a</tool_call>b</think>c", false), "|a</tool_call>b</think>c|");
  EXPECT_EQ(parts("<tool_call>", false), "|<tool_call>|");
}

TEST_F(ReplyReaderTest, HoldsBackNoMoreThanItMust) {
  ReplyMarks marks = marks_of(kMarks, tokenizer_);
  marks.think_end.id = -1;
  ReplyReader reader(tokenizer_, marks, nullptr, true);
  std::string streamed;
  std::vector<std::string> after_each;
  for (const TokenId id : std::vector<TokenId>{'a', '<', '/', 't', '!', ' ', 'b'}) {
    for (const ReplyPart& part : reader.push(id)) streamed += part.text;
    after_each.push_back(streamed);
  }
  EXPECT_THAT(after_each, ::testing::ElementsAre("a", "a", "a", "a", "a</t!", "a</t!", "a</t! b"));
}

TEST_F(ReplyReaderTest, AnyTokensAreAnAnswer) {
  ReplyReader reader(tokenizer_, marks_of(kMarks, tokenizer_), kTools, false);
  uint64_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    reader.push(static_cast<TokenId>((state >> 33) % 272));
  }
  reader.finish();
  EXPECT_NO_THROW(reader.message().dump());
}

TEST(ToolCalls, ValuesAreOfTheDeclaredType) {
  const Json tools = Json::parse(R"([{"function": {"name": "f", "parameters": {"properties": {
      "i": {"type": "integer"}, "n": {"type": "number"}, "b": {"type": "boolean"}, "z": {"type": ["integer", "null"]},
      "o": {"type": "object"}, "l": {"anyOf": [{"type": "array"}, {"type": "null"}]}, "s": {"type": "string"}}}}}])");
  const auto value = [&](const std::string& key, const std::string& text) {
    const auto calls =
        read_tool_calls("<function=f>\n<parameter=" + key + ">\n" + text + "\n</parameter>\n</function>", tools);
    return calls.size() == 1 ? calls[0].arguments.dump() : "no call";
  };
  EXPECT_EQ(value("i", "42"), R"({"i":42})");
  EXPECT_EQ(value("i", "4.5"), R"({"i":"4.5"})");
  EXPECT_EQ(value("n", "4.5"), R"({"n":4.5})");
  EXPECT_EQ(value("b", "True"), R"({"b":true})");
  EXPECT_EQ(value("b", "maybe"), R"({"b":"maybe"})");
  EXPECT_EQ(value("z", "None"), R"({"z":null})");
  EXPECT_EQ(value("o", "{\"b\": 1, \"a\": [2]}"), R"({"o":{"b":1,"a":[2]}})");
  EXPECT_EQ(value("o", "{\"b\": "), R"({"o":"{\"b\": "})");
  EXPECT_EQ(value("l", "[1]"), R"({"l":[1]})");
  EXPECT_EQ(value("s", "42"), R"({"s":"42"})");
  EXPECT_EQ(value("s", "\n two \n"), R"({"s":"\n two \n"})");
  EXPECT_EQ(value("q", "12"), R"({"q":"12"})");
  EXPECT_EQ(value("l", std::string(100000, '[')), "{\"l\":\"" + std::string(100000, '[') + "\"}");
}

TEST(ToolCalls, OtherNotations) {
  const auto names = [](std::string_view text) {
    std::string all;
    for (const ToolCall& call : read_tool_calls(text, nullptr)) all += call.name + call.arguments.dump();
    return all;
  };
  EXPECT_EQ(names(R"( {"name": "f", "arguments": {"b": 1, "a": 2}} )"), R"(f{"b":1,"a":2})");
  EXPECT_EQ(names(R"([{"name": "f", "arguments": {}}, {"name": "g"}])"), "f{}g{}");
  EXPECT_EQ(names(R"({"name": "f", "arguments": "{\"a\": 1}"})"), R"(f{"a":1})");
  for (const char* bad :
       {"", "{}", "[1]", "{\"name\": \"f\"", R"({"name": "f", "arguments": [1]})", "<function=>", "<function=f",
        "<function=f>stray", "<function=f><parameter=>1</parameter>", "<function=a\nb>"})
    EXPECT_EQ(names(bad), "") << bad;
  EXPECT_EQ(names("<function=f>\n<parameter=a>\n1\n<parameter=b>\n2\n</function>"), R"(f{"a":"1","b":"2"})");
  EXPECT_EQ(names("<function=f>\n<parameter=c>\nif (a </b>) <c>\n</parameter>\n</function>"),
            R"(f{"c":"if (a </b>) <c>"})");
}

}  // namespace
}  // namespace adder
