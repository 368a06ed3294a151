#include <unistd.h>

#include <limits>
#include <memory>

#include "apps/chat_commands.h"
#include "apps/commands.h"
#include "apps/interrupt.h"
#include "apps/message_input.h"
#include "apps/progress.h"

namespace adder {
namespace {

constexpr int64_t kSnapshotBytes = int64_t{512} << 20;

void announce(const ChatSession& session) {
  const Engine& engine = *session.opened().engine;
  fmt::print(stderr, "{}: {} threads, {}, context {}; /help lists commands\n", session.opened().path,
             engine.options().threads, engine.model().ops().name, engine.options().context);
  if (session.sampling().advised) fmt::print(stderr, "Sampling: {}.\n", sampling_text(session.sampling()));
  if (!session.has_template())
    fmt::print(stderr, "The model has no chat template: it goes on with your text, a paragraph at a time.\n");
}

Status take_turn(ChatSession& session, const Said& said, bool& done) {
  if (!said.command) return say_on_screen(session, said.text);
  TRY_ASSIGN(const ChatFlow flow, run_chat_command(session, said.text));
  done = flow == ChatFlow::kExit;
  return {};
}

/// At a terminal an error is a message, and the conversation goes on; a script ends with it.
Status run_chat(const ChatOptions& options) {
  TRY_ASSIGN(ChatSession session, ChatSession::open(options));
  announce(session);
  const bool at_terminal = isatty(STDIN_FILENO) != 0;
  const LineSource lines = standard_input_lines();
  for (bool done = false; !done;) {
    const std::optional<Said> said = next_said(lines);
    if (!said && at_terminal) fmt::print("\n");  // after Ctrl-D, and after a line that Ctrl-C dropped
    if (!said && !(at_terminal && interrupted())) break;
    forget_interrupt();
    if (!said || said->text.empty()) continue;
    const Status taken = take_turn(session, *said, done);
    if (!taken && !at_terminal) return taken;
    if (!taken) fmt::print(stderr, "{}\n", taken.error().message());
    if (interrupted() && !at_terminal) return Error::cancelled("interrupted");
    forget_interrupt();
  }
  return {};
}

}  // namespace

void add_chat(CLI::App& app, Action& chosen) {
  auto o = std::make_shared<ChatOptions>();
  o->engine.snapshot_bytes = kSnapshotBytes;
  o->request.max_tokens = std::numeric_limits<int32_t>::max();
  CLI::App* command = app.add_subcommand("chat", "Hold a conversation");
  add_model_argument(*command, o->model);
  command->add_option("-n,--tokens", o->request.max_tokens, "most tokens of an answer (default: the context)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--system", o->system, "what the model is told before anything else");
  command->add_option("--tools", o->tools_path, "JSON list of tools that the model may call")->type_name("FILE");
  command->add_option("--load", o->conversation_path, "go on with a conversation that /save wrote")->type_name("FILE");
  command->add_flag("--think,!--no-think", o->thinking, "reasoning before answers, of models that can (default on)");
  command
      ->add_option(
          "--think-budget,--reasoning-budget", o->think_budget,
          "most tokens of reasoning; when they are spent, its end is put and the answer begins (default -1: no "
          "limit)")
      ->check(CLI::Range(int64_t{-1}, kMostContext));
  add_sampling_options(*command, o->sampling);
  add_engine_options(*command, o->engine);
  add_nested_size_option(*command, o->engine.size);
  add_memory_option(*command, o->engine.memory, "refuse a model that would need more, like 2GiB (default: no limit)");
  command->footer(
      "Each line of standard input is a message, or a command such as /undo; /help lists them. Answers and tool calls "
      "go\n"
      "to standard output, reasoning and all else to standard error. The model's own chat template writes the prompt; "
      "what\n"
      "is typed can never pass for one of its control tokens.\n\n"
      "Examples:\n"
      "  adder chat model.gguf\n"
      "  adder chat model.gguf --tools tools.json --no-think\n"
      "  adder chat model.gguf --think-budget 512 --temp 0.6\n"
      "  echo \"Why is the sky blue?\" | adder chat model.gguf --temp 0");
  command->callback([o, &chosen] { chosen = [o] { return run_chat(*o); }; });
}

}  // namespace adder
