#include "apps/chat_commands.h"

#include <charconv>

#include "apps/progress.h"

namespace adder {
namespace {

struct Command {
  std::string_view name, argument, help;
  Result<ChatFlow> (*run)(ChatSession& session, const std::string& argument);
};

/// What `answer`, given what to do with each part, says on the screen.
template <class F>
Status on_screen(F&& answer) {
  ChatScreen screen;
  auto result = answer([&](const ReplyPart& part) { screen.show(part); });
  if (!result) return result.error();
  const std::optional<GenerateResult> done = std::move(*result);
  if (done) screen.finish(*done);
  return {};
}

Result<ChatFlow> system(ChatSession& session, const std::string& text) {
  session.set_system(text);
  return ChatFlow::kGoOn;
}

Result<ChatFlow> reset(ChatSession& session, const std::string&) {
  session.reset();
  return ChatFlow::kGoOn;
}

Result<ChatFlow> undo(ChatSession& session, const std::string&) {
  TRY(session.undo());
  return ChatFlow::kGoOn;
}

Result<ChatFlow> regenerate(ChatSession& session, const std::string&) {
  TRY(on_screen([&](const auto& on_part) { return session.answer_again(on_part); }));
  return ChatFlow::kGoOn;
}

Result<ChatFlow> result(ChatSession& session, const std::string& text) {
  TRY(on_screen([&](const auto& on_part) { return session.give_result(text, on_part); }));
  return ChatFlow::kGoOn;
}

Result<ChatFlow> save(ChatSession& session, const std::string& path) {
  if (path.empty()) return Error::usage("/save needs a file");
  TRY(session.save(path));
  return ChatFlow::kGoOn;
}

Result<ChatFlow> load(ChatSession& session, const std::string& path) {
  if (path.empty()) return Error::usage("/load needs a file");
  TRY(session.load(path));
  fmt::print(stderr, "[{} messages]\n", session.messages().size());
  return ChatFlow::kGoOn;
}

Result<ChatFlow> tools(ChatSession& session, const std::string& path) {
  TRY(session.load_tools(path));
  fmt::print(stderr, "[{} tools]\n", session.tools().size());
  return ChatFlow::kGoOn;
}

Result<ChatFlow> think(ChatSession& session, const std::string& how) {
  if (how == "on" || how == "off") {
    session.set_thinking(how == "on");
    if (how == "on") session.set_think_budget(-1);
    return ChatFlow::kGoOn;
  }
  int64_t most = -1;
  const auto [end, error] = std::from_chars(how.data(), how.data() + how.size(), most);
  if (error != std::errc() || end != how.data() + how.size() || most < 0)
    return Error::usage("/think on, /think off, or /think N for at most N tokens of it");
  session.set_thinking(true);
  session.set_think_budget(most);
  return ChatFlow::kGoOn;
}

std::string thinking_text(const ChatSession& session) {
  if (!session.thinking()) return "off";
  return session.think_budget() < 0 ? "on" : fmt::format("for at most {} tokens", session.think_budget());
}

Result<ChatFlow> stats(ChatSession& session, const std::string&) {
  const Engine& engine = *session.opened().engine;
  fmt::print(stderr, "[{}, {} threads; {} messages; thinking {}; context {}]\n", session.opened().path,
             engine.options().threads, session.messages().size(), thinking_text(session), engine.options().context);
  fmt::print(stderr, "[sampling: {}]\n", sampling_text(session.sampling()));
  if (!session.last_result()) return ChatFlow::kGoOn;
  const GenerateResult& answer = *session.last_result();
  const auto per_second = [](int64_t n, double seconds) { return seconds > 0 ? static_cast<double>(n) / seconds : 0; };
  const auto n_prompt = static_cast<int64_t>(session.last_prompt_tokens()),
             n_answer = static_cast<int64_t>(answer.tokens.size());
  fmt::print(stderr,
             "[prompt {} tokens, {} of them known from before, {:.1f} tokens/s; answer {} tokens, {} of them "
             "reasoning, {:.1f} tokens/s]\n",
             n_prompt, answer.reused_tokens, per_second(n_prompt - answer.reused_tokens, answer.prompt_seconds),
             n_answer, session.last_thinking_tokens(), per_second(n_answer, answer.generate_seconds));
  return ChatFlow::kGoOn;
}

Result<ChatFlow> help(ChatSession& session, const std::string&);

Result<ChatFlow> leave(ChatSession&, const std::string&) {
  return ChatFlow::kExit;
}

constexpr Command kCommands[] = {
    {"/system", "TEXT", "set the system text; alone: remove it", system},
    {"/reset", "", "forget everything but the system text", reset},
    {"/undo", "", "take back your last message and its answer", undo},
    {"/regen", "", "another answer to your last message", regenerate},
    {"/save", "FILE", "write the conversation as JSON", save},
    {"/load", "FILE", "go on with a conversation that was saved", load},
    {"/think", "on|off|N", "ask for reasoning before answers, or not, or for at most N tokens of it", think},
    {"/tools", "FILE", "tools the model may call, a JSON list; alone: none", tools},
    {"/result", "TEXT", "what a tool call gave", result},
    {"/stats", "", "speed and tokens of the last answer", stats},
    {"/help", "", "this list", help},
    {"/exit", "", "end, as Ctrl-D does", leave},
};

Result<ChatFlow> help(ChatSession&, const std::string&) {
  for (const Command& command : kCommands)
    fmt::print(stderr, "{:<16} {}\n", fmt::format("{} {}", command.name, command.argument), command.help);
  fmt::print(stderr,
             "A backslash at the end of a line goes on with the next; \"\"\" before and after it encloses any text.\n"
             "Ctrl-C stops an answer.\n");
  return ChatFlow::kGoOn;
}

}  // namespace

void ChatScreen::show(const ReplyPart& part) {
  if (stream_ != nullptr && (part.kind != last_ || part.kind == ReplyPart::Kind::kCall)) fmt::print(stream_, "\n");
  last_ = part.kind;
  stream_ = part.kind == ReplyPart::Kind::kReasoning ? stderr : stdout;
  switch (part.kind) {
    case ReplyPart::Kind::kReasoning: {
      const bool dim = stderr_has_color();
      fmt::print(stderr, "{}{}{}", dim ? "\033[2m" : "", part.text, dim ? "\033[0m" : "");
      break;
    }
    case ReplyPart::Kind::kContent:
      fmt::print("{}", part.text);
      break;
    case ReplyPart::Kind::kCall:
      fmt::print("[call] {} {}", part.call.name,
                 part.call.arguments.dump(-1, ' ', false, Json::error_handler_t::replace));
      break;
  }
  std::fflush(stream_);
}

void ChatScreen::finish(const GenerateResult& result) {
  if (stream_ == stderr) fmt::print(stderr, "\n");
  fmt::print("\n");
  std::fflush(stdout);
  if (result.reason == FinishReason::kLength) fmt::print(stderr, "[cut: see --tokens and --context]\n");
  if (result.reason == FinishReason::kCancelled) fmt::print(stderr, "[stopped]\n");
}

Status say_on_screen(ChatSession& session, const std::string& text) {
  return on_screen([&](const auto& on_part) { return session.say(text, on_part); });
}

Result<ChatFlow> run_chat_command(ChatSession& session, std::string_view line) {
  const size_t space = std::min(line.find_first_of(" \n"), line.size());
  const size_t begin = std::min(line.find_first_not_of(" \n", space), line.size());
  const std::string_view name = line.substr(0, space);
  for (const Command& command : kCommands)
    if (command.name == name) return command.run(session, std::string(line.substr(begin)));
  return Error::usage("there is no {}; /help lists what there is", name);
}

}  // namespace adder
