#pragma once

#include <cstdio>
#include <string_view>

#include "apps/chat_session.h"

namespace adder {

/// How an answer looks: content and tool calls on standard output, reasoning on standard error, dim where that is shown
/// in colour.
class ChatScreen {
 public:
  void show(const ReplyPart& part);
  /// The end of an answer: a line end, and a note on standard error if something other than the model ended it.
  void finish(const GenerateResult& result);

 private:
  ReplyPart::Kind last_ = ReplyPart::Kind::kContent;
  std::FILE* stream_ = nullptr;  // of the last part
};

enum class ChatFlow { kGoOn, kExit };

/// Carries out one line that begins with a slash; see /help. Errors are those of the session, and kUsage for a command
/// that does not exist or lacks what it needs.
Result<ChatFlow> run_chat_command(ChatSession& session, std::string_view line);

/// Answers `text` on the screen.
Status say_on_screen(ChatSession& session, const std::string& text);

}  // namespace adder
