#include "apps/chat_session.h"

#include <algorithm>
#include <ctime>

#include "apps/interrupt.h"
#include "core/base/atomic_file.h"
#include "core/chat/messages.h"

namespace adder {
namespace {

constexpr std::string_view kParagraphs = "{% for m in messages %}{{ m.content }}\n\n{% endfor %}";
constexpr const char* kEndOfParagraph = "\n\n";
constexpr size_t kMostConversationBytes = size_t{256} << 20;

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local = {};
  localtime_r(&now, &local);
  return local;
}

Result<Json> read_ordered(const std::string& path) {
  TRY_ASSIGN(const std::string text, read_file(path, kMostConversationBytes));
  TRY(parse_json(text, path));  // says what is wrong with it, and where
  return Json::parse(text);
}

bool is_by(const Json& message, std::string_view role) {
  return message.is_object() && message.contains("role") && message["role"] == role;
}

}  // namespace

ChatSession::ChatSession(OpenedEngine opened, ChatFormat format, GenerateRequest request, bool has_template)
    : opened_(std::move(opened)),
      format_(std::move(format)),
      request_(std::move(request)),
      has_template_(has_template) {
  if (!has_template_) request_.stop.emplace_back(kEndOfParagraph);
}

Result<ChatSession> ChatSession::open(const ChatOptions& options) {
  TRY(validate(options.sampling));
  TRY_ASSIGN(OpenedEngine opened, open_engine(options.model, options.engine));
  const ModelFile& file = *opened.engine->model().bound().file;
  const Tokenizer& tokenizer = opened.engine->tokenizer();
  const bool has_template = has_chat_template(file);
  TRY_ASSIGN(ChatFormat format,
             has_template ? ChatFormat::from_file(file, tokenizer) : ChatFormat::from_template(kParagraphs, tokenizer));
  ChatSession session(std::move(opened), std::move(format), options.request, has_template);
  TRY_ASSIGN(session.sampling_, sampling_for(options.sampling, file));
  session.request_.sampling = session.sampling_.options;
  session.thinking_ = options.thinking;
  session.think_budget_ = options.think_budget;
  if (!options.conversation_path.empty()) TRY(session.load(options.conversation_path));
  if (!options.tools_path.empty()) TRY(session.load_tools(options.tools_path));
  if (!options.system.empty()) session.set_system(options.system);
  return session;
}

Result<GenerateResult> ChatSession::answer(const OnPart& on_part) {
  TRY_ASSIGN(const ChatPrompt prompt, format_.prompt({messages_, tools_, thinking_}, local_time()));
  ReplyReader reader(opened_.engine->tokenizer(), format_.marks(), tools_, prompt.thinking);
  const auto show = [&](const std::vector<ReplyPart>& parts) {
    for (const ReplyPart& part : parts) on_part(part);
  };
  request_.prompt = prompt.ids;
  ThinkingBudget thoughts(opened_.engine->tokenizer(), format_.marks(), think_budget_);
  GenerateRequest request = request_;
  request.force = [&] { return thoughts.next(reader.is_reasoning()); };
  TRY_ASSIGN(GenerateResult result, opened_.engine->generate(
                                        request, [](std::string_view) { return !interrupted(); },
                                        [&](TokenId token) { show(reader.push(token)); }));
  show(reader.finish());
  messages_.push_back(reader.message());
  last_result_ = result;
  last_thinking_tokens_ = thoughts.used();
  return result;
}

Result<GenerateResult> ChatSession::answer_or_restore(Json before, const OnPart& on_part) {
  auto result = answer(on_part);
  if (!result) messages_ = std::move(before);
  return result;
}

Result<GenerateResult> ChatSession::say(const std::string& text, const OnPart& on_part) {
  Json before = messages_;
  messages_.push_back({{"role", "user"}, {"content", mended_utf8(text)}});
  return answer_or_restore(std::move(before), on_part);
}

/// The id of the oldest call of the last answer that has no result; empty if there is none.
std::string ChatSession::waiting_call() const {
  size_t results = 0;
  for (size_t i = messages_.size(); i-- > 0;) {
    if (is_by(messages_[i], "tool")) {
      ++results;
      continue;
    }
    const bool has_calls = is_by(messages_[i], "assistant") && messages_[i].contains("tool_calls");
    if (!has_calls || messages_[i]["tool_calls"].size() <= results) return {};
    return messages_[i]["tool_calls"][results].value("id", fmt::format("call_{}", results));
  }
  return {};
}

Result<std::optional<GenerateResult>> ChatSession::give_result(const std::string& text, const OnPart& on_part) {
  const std::string id = waiting_call();
  if (id.empty()) return Error::usage("no tool call waits for a result");
  Json before = messages_;
  messages_.push_back({{"role", "tool"}, {"tool_call_id", id}, {"content", mended_utf8(text)}});
  if (!waiting_call().empty()) return std::nullopt;
  TRY_ASSIGN(GenerateResult result, answer_or_restore(std::move(before), on_part));
  return std::optional(std::move(result));
}

Result<GenerateResult> ChatSession::answer_again(const OnPart& on_part) {
  if (messages_.empty() || !is_by(messages_.back(), "assistant")) return Error::usage("there is no answer to replace");
  Json before = messages_;
  messages_.erase(messages_.size() - 1);
  ++request_.sampling.seed;
  return answer_or_restore(std::move(before), on_part);
}

Status ChatSession::undo() {
  for (size_t i = messages_.size(); i-- > 0;) {
    if (!is_by(messages_[i], "user")) continue;
    while (messages_.size() > i) messages_.erase(messages_.size() - 1);
    return {};
  }
  return Error::usage("there is nothing to take back");
}

void ChatSession::reset() {
  const std::string text = system();
  messages_ = Json::array();
  set_system(text);
}

std::string ChatSession::system() const {
  if (messages_.empty() || !is_by(messages_[0], "system") || !messages_[0]["content"].is_string()) return {};
  return messages_[0]["content"].get<std::string>();
}

void ChatSession::set_system(const std::string& text) {
  if (!messages_.empty() && is_by(messages_[0], "system")) messages_.erase(0);
  if (!text.empty()) messages_.insert(messages_.begin(), Json{{"role", "system"}, {"content", mended_utf8(text)}});
}

Status ChatSession::load_tools(const std::string& path) {
  if (path.empty()) {
    tools_ = nullptr;
    return {};
  }
  TRY_ASSIGN(Json json, read_ordered(path));
  if (json.is_object() && json.contains("tools")) json = Json(json["tools"]);
  if (!json.is_array()) return Error::usage("{}: expected a list of tools, found {}", path, json.type_name());
  for (const Json& tool : json)
    if (!tool.is_object()) return Error::usage("{}: a tool is {}, expected an object", path, tool.type_name());
  tools_ = std::move(json);
  return {};
}

Status ChatSession::save(const std::string& path) const {
  Json conversation = {{"messages", messages_}};
  if (!tools_.is_null()) conversation["tools"] = tools_;
  return write_file(path, conversation.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Status ChatSession::load(const std::string& path) {
  TRY_ASSIGN(Json json, read_ordered(path));
  const bool whole = json.is_object() && json.contains("messages");
  const Json& messages = whole ? json["messages"] : json;
  const auto tidy = tidy_messages(messages, CallArguments::kText);
  if (!tidy) return Error(tidy.error()).in(path);
  if (whole && json.contains("tools") && json["tools"].is_array()) tools_ = json["tools"];
  messages_ = *tidy;
  return {};
}

}  // namespace adder
