#include "core/chat/chat_format.h"

#include <array>

#include "core/chat/messages.h"
#include "core/formats/model_file.h"

namespace adder {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kTemplateKey = "tokenizer.chat_template";

Result<std::string> template_source(const ModelFile& file) {
  if (!has_chat_template(file)) return Error::not_found("{}: the model has no chat template", file.path());
  if (const Gguf* gguf = file.gguf()) return gguf->text(kTemplateKey);
  return *file.hf()->chat_template();
}

ReplyMarks::Mark mark(std::string_view source, const Tokenizer& tokenizer, std::string_view text) {
  if (source.find(text) == std::string_view::npos) return {};
  const auto id = tokenizer.find(text);
  return {std::string(text), id && tokenizer.type(*id) != TokenType::kNormal ? *id : -1};
}

/// The bytes [begin, end) between quoted ones.
std::vector<TextRange> own_words(const RenderedTemplate& rendered) {
  std::vector<TextRange> own;
  size_t done = 0;
  for (const TextRange& quoted : rendered.quoted) {
    if (quoted.begin > done) own.push_back({done, quoted.begin});
    done = quoted.end;
  }
  if (done < rendered.text.size()) own.push_back({done, rendered.text.size()});
  return own;
}

/// Whether the last mark of reasoning that the template wrote opens it.
bool ends_in_reasoning(const RenderedTemplate& rendered, const ReplyMarks& marks) {
  if (marks.think_begin.text.empty()) return false;
  const std::vector<TextRange> own = own_words(rendered);
  for (auto range = own.rbegin(); range != own.rend(); ++range) {
    const std::string_view words = std::string_view(rendered.text).substr(range->begin, range->end - range->begin);
    const size_t begin = words.rfind(marks.think_begin.text), end = words.rfind(marks.think_end.text);
    if (begin == end) continue;  // neither is there
    return end == std::string_view::npos || (begin != std::string_view::npos && begin > end);
  }
  return false;
}

}  // namespace

ReplyMarks marks_of(std::string_view source, const Tokenizer& tokenizer) {
  const auto found = [&](std::string_view text) { return mark(source, tokenizer, text); };
  ReplyMarks marks;
  if (!found("</think>").text.empty()) marks = {{"<think>"}, {"</think>"}};
  for (ReplyMarks::Mark* one : {&marks.think_begin, &marks.think_end})
    if (!one->text.empty()) *one = mark(one->text, tokenizer, one->text);
  for (const auto& [begin, end] : {std::pair("<tool_call>", "</tool_call>"), std::pair("<TOOLCALL>", "</TOOLCALL>")}) {
    if (found(begin).text.empty() || found(end).text.empty()) continue;
    marks.call_begin = found(begin);
    marks.call_end = found(end);
    break;
  }
  return marks;
}

bool has_chat_template(const ModelFile& file) {
  if (const Gguf* gguf = file.gguf()) return gguf->find(kTemplateKey) != nullptr;
  return file.hf()->chat_template().has_value();
}

Result<ChatFormat> ChatFormat::from_file(const ModelFile& file, const Tokenizer& tokenizer) {
  TRY_ASSIGN(const std::string source, template_source(file));
  auto format = from_template(source, tokenizer);
  if (!format) return std::move(format).error().in(file.path());
  return format;
}

Result<ChatFormat> ChatFormat::from_template(std::string_view source, const Tokenizer& tokenizer) {
  TRY_ASSIGN(Template parsed, Template::parse(source));
  ChatFormat format(std::move(parsed), tokenizer);
  const TokenizerData& data = tokenizer.data();
  for (size_t at = 0; at < data.tokens.size(); ++at) {
    const bool control = data.types[at] == TokenType::kControl || data.types[at] == TokenType::kUnknown;
    if (control) format.control_.add(data.tokens[at], static_cast<TokenId>(at));
  }
  format.control_.finish();
  format.token_names_ = Json::object();
  const std::array<std::pair<std::string_view, TokenId>, 4> named = {
      {{"bos_token", data.bos}, {"eos_token", data.eos}, {"pad_token", data.pad}, {"unk_token", data.unk}}};
  for (const auto& [name, id] : named)
    if (id >= 0) format.token_names_[std::string(name)] = tokenizer.token_bytes(id, true);
  format.marks_ = marks_of(source, tokenizer);
  return format;
}

Result<RenderedTemplate> ChatFormat::render(const ChatRequest& request, const std::tm& now) const {
  TemplateInput input{.trusted = token_names_, .now = now};
  input.quoted["messages"] = request.messages;
  if (!request.tools.is_null() && !request.tools.empty()) input.quoted["tools"] = request.tools;
  input.trusted["add_generation_prompt"] = request.answer_follows;
  input.trusted["enable_thinking"] = request.thinking;
  return template_.render(input);
}

Result<ChatPrompt> ChatFormat::prompt(const ChatRequest& request, const std::tm& now) const {
  ChatRequest tidy = request;
  TRY_ASSIGN(tidy.messages, tidy_messages(request.messages, CallArguments::kObject));
  auto rendered = render(tidy, now);
  if (!rendered && rendered.error().code() == ErrorCode::kCorrupt) {
    // Some templates, DeepSeek's for one, join the arguments of a call to a text.
    TRY_ASSIGN(tidy.messages, tidy_messages(request.messages, CallArguments::kText));
    if (auto again = render(tidy, now)) rendered = std::move(again);
  }
  if (!rendered) return rendered.error();
  ChatPrompt prompt;
  prompt.ids = encode(*rendered);
  prompt.thinking = request.answer_follows && ends_in_reasoning(*rendered, marks_);
  prompt.text = std::move(rendered->text);
  return prompt;
}

/// The text between control tokens is encoded whole, however many messages and words of the template it is made of: so
/// the ids are those that the text has when nothing in it has to be kept apart.
std::vector<TokenId> ChatFormat::encode(const RenderedTemplate& rendered) const {
  const std::string_view text = rendered.text;
  std::vector<TokenId> ids;
  size_t done = 0;
  const auto encode_up_to = [&](size_t end) {
    const auto more = tokenizer_->encode(text.substr(done, end - done), {.add_bos = false});
    ids.insert(ids.end(), more.begin(), more.end());
  };
  const TokenizerData& data = tokenizer_->data();
  if (data.add_bos) ids.push_back(data.bos);
  for (const TextRange& own : own_words(rendered)) {
    const std::string_view words = text.substr(0, own.end);
    for (size_t from = own.begin; const auto match = control_.find(words, from); from = done) {
      encode_up_to(match->begin);
      const bool second_bos = data.add_bos && match->begin == 0 && match->id == data.bos;
      if (!second_bos) ids.push_back(match->id);
      done = match->begin + match->bytes;
    }
  }
  encode_up_to(text.size());
  return ids;
}

}  // namespace adder
