#pragma once

#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/chat/reply_reader.h"
#include "core/template/template.h"
#include "core/text/special_tokens.h"
#include "core/text/tokenizer.h"

namespace adder {

/// A conversation in the message format of OpenAI's chat completions API:
///   messages   [{"role": ..., "content": text, or a list of {"type": "text", "text": ...}, or null, and in those of
///   the
///              assistant "reasoning_content": text, "tool_calls": [{"function": {"name": ..., "arguments": ...}}]}]
///   tools      [{"type": "function", "function": {"name", "description", "parameters": JSON schema}}], or null
/// Arguments of tool calls may be an object or the text of one.
struct ChatRequest {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  nlohmann::ordered_json tools;
  bool thinking = true;        ///< `enable_thinking`, for templates that ask
  bool answer_follows = true;  ///< the prompt ends where the assistant's next message begins
};

struct ChatPrompt {
  std::string text;
  std::vector<TokenId> ids;
  bool thinking = false;  ///< the answer begins inside its reasoning
};

/// How a model wants a conversation written, as its file says: `tokenizer.chat_template` in GGUF, chat_template.jinja
/// or tokenizer_config.json of a Hugging Face directory.
///
/// Control tokens are recognised in the template's own words alone. Whatever comes from messages or tools, <|im_end|>
/// say, is encoded as the letters it is made of: nobody ends a turn, or begins one for somebody else, by spelling a
/// token. That works byte by byte (RenderedTemplate::quoted), so no escape in the text is needed and nothing a template
/// does with its strings loses it. (Tokens that a tokenizer calls user-defined are found in any text, as everywhere.)
class ChatFormat {
 public:
  /// kNotFound when the file has no template. The tokenizer must outlive the format.
  static Result<ChatFormat> from_file(const ModelFile& file, const Tokenizer& tokenizer);
  static Result<ChatFormat> from_template(std::string_view source, const Tokenizer& tokenizer);

  /// kUsage for messages that are not in the format above or that the template refuses, and the errors of
  /// Template::render. `now`: what the template is told the time is.
  Result<ChatPrompt> prompt(const ChatRequest& request, const std::tm& now) const;

  const ReplyMarks& marks() const { return marks_; }

 private:
  ChatFormat(Template chat_template, const Tokenizer& tokenizer)
      : template_(std::move(chat_template)), tokenizer_(&tokenizer) {}
  Result<RenderedTemplate> render(const ChatRequest& request, const std::tm& now) const;
  std::vector<TokenId> encode(const RenderedTemplate& rendered) const;

  Template template_;
  const Tokenizer* tokenizer_;
  SpecialTokens control_;
  nlohmann::ordered_json token_names_;  ///< bos_token and its like
  ReplyMarks marks_;
};

/// Whether `from_file` would find one.
bool has_chat_template(const ModelFile& file);

/// The marks that templates put around reasoning and tool calls, of those that `source` speaks of.
ReplyMarks marks_of(std::string_view source, const Tokenizer& tokenizer);

}  // namespace adder
