// The first byte says whether marks are told by id or by text, whether tools are declared and whether the answer begins
// inside reasoning; each other byte is a token, 255 and the byte after it one of those above 255. Whatever comes, the
// reader must give UTF-8 that adds up to its message.
#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/chat/chat_format.h"
#include "core/chat/chat_vocabulary_test.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adder;
  static const Tokenizer tokenizer = chat_tokenizer();
  static const auto tools = nlohmann::ordered_json::parse(
      R"([{"function": {"name": "f", "parameters": {"properties": {"a": {"type": ["integer", "object", "null"]}}}}}])");
  if (size == 0) return 0;
  ReplyMarks marks = marks_of("<think></think><tool_call></tool_call>", tokenizer);
  if ((data[0] & 1) != 0)
    for (auto* mark : {&marks.think_begin, &marks.think_end, &marks.call_begin, &marks.call_end}) mark->id = -1;
  ReplyReader reader(tokenizer, marks, (data[0] & 2) != 0 ? tools : nlohmann::ordered_json(), (data[0] & 4) != 0);
  std::string reasoning, content;
  size_t calls = 0;
  const auto take = [&](const std::vector<ReplyPart>& parts) {
    for (const ReplyPart& part : parts) {
      CHECK(is_utf8(part.text));
      calls += part.kind == ReplyPart::Kind::kCall ? 1 : 0;
      (part.kind == ReplyPart::Kind::kReasoning ? reasoning : content) += part.text;
    }
  };
  for (size_t at = 1; at < size; ++at) {
    TokenId id = data[at];
    if (id == 255 && at + 1 < size) id += data[++at] % 15;
    take(reader.push(id));
  }
  take(reader.finish());
  const auto message = reader.message();
  CHECK(message["content"] == content && message.value("reasoning_content", "") == reasoning);
  CHECK(message.value("tool_calls", nlohmann::ordered_json::array()).size() == calls);
  CHECK(is_utf8(message.dump()));
  return 0;
}
