#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "apps/engine_options.h"
#include "apps/json_output.h"
#include "apps/sampling_options.h"
#include "core/chat/chat_format.h"
#include "core/chat/thinking_budget.h"

namespace adder {

struct ChatOptions {
  std::string model, system, tools_path, conversation_path;
  EngineOptions engine;
  GenerateRequest request;
  SamplingFlags sampling;
  bool thinking = true;
  int64_t think_budget = -1;  ///< most tokens of reasoning in an answer; -1: no limit
};

/// One conversation with one model: messages, tools and the settings of the next answer. Messages are in the format of
/// ChatRequest. Each answer is computed from the whole conversation as the model's template writes it; the engine goes
/// on from what the last one left, so what is read anew is about what was added.
///
/// A model without a chat template gets the conversation as plain text, a paragraph a message, and its answer ends with
/// the paragraph.
class ChatSession {
 public:
  using OnPart = std::function<void(const ReplyPart&)>;

  static Result<ChatSession> open(const ChatOptions& options);

  /// Adds a message and answers it. After an error the conversation is as before. Ctrl-C (interrupted()) ends the
  /// answer with the text so far, which stays part of the conversation.
  Result<GenerateResult> say(const std::string& text, const OnPart& on_part);
  /// Gives the result of the oldest tool call that has none; the model goes on when all have one, else there is no
  /// GenerateResult. kUsage when no call waits.
  Result<std::optional<GenerateResult>> give_result(const std::string& text, const OnPart& on_part);
  /// Answers the last message anew, with another seed. kUsage when there is none.
  Result<GenerateResult> answer_again(const OnPart& on_part);
  /// Takes back the last message of the user and all after it. kUsage when there is none.
  Status undo();
  /// Forgets everything but the system text.
  void reset();

  void set_system(const std::string& text);  ///< empty: none
  void set_thinking(bool on) { thinking_ = on; }
  void set_think_budget(int64_t tokens) { think_budget_ = tokens; }  ///< -1: no limit
  Status load_tools(const std::string& path);  ///< a JSON list, or an object with "tools"; empty: none
  /// {"messages": [...], "tools": [...]} as the API takes them; `load` also reads a bare list of messages.
  Status save(const std::string& path) const;
  Status load(const std::string& path);

  const Json& messages() const { return messages_; }
  const Json& tools() const { return tools_; }
  std::string system() const;
  bool thinking() const { return thinking_; }
  int64_t think_budget() const { return think_budget_; }
  const Sampling& sampling() const { return sampling_; }
  bool has_template() const { return has_template_; }
  const OpenedEngine& opened() const { return opened_; }
  /// What the last answer took; none before the first.
  const std::optional<GenerateResult>& last_result() const { return last_result_; }
  size_t last_prompt_tokens() const { return request_.prompt.size(); }
  int64_t last_thinking_tokens() const { return last_thinking_tokens_; }

 private:
  ChatSession(OpenedEngine opened, ChatFormat format, GenerateRequest request, bool has_template);
  Result<GenerateResult> answer(const OnPart& on_part);
  Result<GenerateResult> answer_or_restore(Json before, const OnPart& on_part);
  std::string waiting_call() const;

  OpenedEngine opened_;
  ChatFormat format_;
  GenerateRequest request_;
  bool has_template_;
  Sampling sampling_;
  bool thinking_ = true;
  int64_t think_budget_ = -1, last_thinking_tokens_ = 0;
  Json messages_ = Json::array();
  Json tools_;
  std::optional<GenerateResult> last_result_;
};

}  // namespace adder
