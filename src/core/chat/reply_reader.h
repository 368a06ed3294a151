#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/chat/tool_call.h"
#include "core/text/stream_decoder.h"
#include "core/text/tokenizer.h"

namespace adder {

/// What a model puts around the parts of an answer. A mark that is a token of its own is recognised by its id and never
/// by its spelling; one that is ordinary text (id -1) by its text; one without text does not occur.
struct ReplyMarks {
  struct Mark {
    std::string text = {};
    TokenId id = -1;
  };
  Mark think_begin = {}, think_end = {}, call_begin = {}, call_end = {};
};

struct ReplyPart {
  enum class Kind { kReasoning, kContent, kCall };
  Kind kind;
  std::string text;    ///< of reasoning and content: what is new
  ToolCall call = {};  ///< of a call: all of it
};

/// An answer taken apart as its tokens come: reasoning, content, tool calls.
///
/// With `thinking` the answer begins inside its reasoning; else with content, which a <think> before any text turns
/// into reasoning. Line feeds after </think> and white space at the end of reasoning and content belong to neither. A
/// call is given when it is complete; what cannot be read as one (read_tool_calls) is content, marks and all. Where
/// tools are declared, "<function=" in the content begins a call whose mark is missing. What is given out is UTF-8.
class ReplyReader {
 public:
  /// `tokenizer` must outlive the reader.
  ReplyReader(const Tokenizer& tokenizer, ReplyMarks marks, nlohmann::ordered_json tools, bool thinking);

  std::vector<ReplyPart> push(TokenId id);
  /// At the end of the answer: what was held back.
  std::vector<ReplyPart> finish();

  /// Whether what comes next is reasoning, unless it is a mark.
  bool is_reasoning() const { return state_ == State::kReasoning; }

  /// All parts so far as one message: role, content, reasoning_content and tool_calls (with ids) where there are any.
  nlohmann::ordered_json message() const;

 private:
  enum class State { kReasoning, kContent, kCall };

  void take_text(std::string_view text);
  void take_plain(std::string_view text);
  void take_mark(const ReplyMarks::Mark& mark);
  void end_call(std::string_view closing);
  void give(ReplyPart::Kind kind, std::string_view text);
  std::vector<const ReplyMarks::Mark*> text_marks() const;
  std::vector<ReplyPart> taken() { return std::exchange(parts_, {}); }

  ReplyMarks marks_;
  ReplyMarks::Mark bare_call_{};  // "<function=", where tools are declared
  nlohmann::ordered_json tools_;
  StreamDecoder decoder_;
  State state_;
  bool fresh_ = true;        // the part has no text yet
  bool after_mark_ = false;  // line feeds are still dropped
  std::string held_;         // may be the beginning of a mark
  std::string space_;        // may be the end of the part
  std::string call_;         // text of the call so far
  std::string opening_;      // its mark, as text
  std::vector<ReplyPart> parts_;
  std::string reasoning_, content_;
  std::vector<ToolCall> calls_;
};

}  // namespace adder
