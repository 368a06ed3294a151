#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/progress.h"
#include "apps/sampling_options.h"
#include "apps/text_input.h"
#include "core/chat/chat_format.h"

namespace adder {
namespace {

struct RunOptions {
  std::string model, prompt;
  EngineOptions engine;
  GenerateRequest request;
  SamplingFlags sampling;
  bool parse_special = false;
  bool json = false;
};

double per_second(size_t n, double seconds) {
  return seconds > 0 ? static_cast<double>(n) / seconds : 0;
}

/// Where a person watches both streams, the prompt is shown before its continuation, but only on standard error:
/// standard output carries the generated text alone.
void announce(const OpenedEngine& opened, const RunOptions& o, const Sampling& sampling, std::string_view prompt) {
  const Engine& engine = *opened.engine;
  fmt::print(stderr, "{}: raw completion of {} tokens, seed {}, {} threads, {}\n", opened.path, o.request.prompt.size(),
             o.request.sampling.seed, engine.options().threads, engine.model().ops().name);
  if (has_chat_template(*engine.model().bound().file))
    fmt::print(stderr, "The model was made for conversations, and this is none: adder chat {} holds one.\n",
               opened.path);
  if (sampling.advised) fmt::print(stderr, "Sampling: {}.\n", sampling_text(sampling));
  if (!stderr_is_terminal()) return;
  const bool color = stderr_has_color();
  fmt::print(stderr, "{}{}{}", color ? "\033[2m" : "", prompt, color ? "\033[0m" : "");
}

void print_result(const OpenedEngine& opened, const RunOptions& o, const GenerateResult& result) {
  const double prompt_speed = per_second(o.request.prompt.size(), result.prompt_seconds);
  const double speed = per_second(result.tokens.size(), result.generate_seconds);
  if (o.json) {
    print_json({{"model", opened.path},
                {"text", result.text},
                {"finish_reason", name(result.reason)},
                {"seed", o.request.sampling.seed},
                {"temperature", o.request.sampling.temperature},
                {"top_k", o.request.sampling.top_k},
                {"top_p", o.request.sampling.top_p},
                {"min_p", o.request.sampling.min_p},
                {"prompt_tokens", o.request.prompt.size()},
                {"generated_tokens", result.tokens.size()},
                {"token_ids", result.tokens},
                {"drafted_tokens", result.drafted},
                {"accepted_tokens", result.accepted},
                {"load_s", opened.load_seconds},
                {"prompt_s", result.prompt_seconds},
                {"generate_s", result.generate_seconds},
                {"prompt_tokens_per_s", prompt_speed},
                {"generate_tokens_per_s", speed}});
    return;
  }
  fmt::print("\n");
  std::fflush(stdout);
  const bool full =
      result.reason == FinishReason::kLength && static_cast<int64_t>(result.tokens.size()) < o.request.max_tokens;
  fmt::print(
      stderr, "[{} tokens, {:.1f} tokens/s; prompt {} tokens, {:.1f} tokens/s; ended by {}]\n", result.tokens.size(),
      speed, o.request.prompt.size(), prompt_speed,
      full ? fmt::format("a full context, see --context {}", o.engine.context) : std::string(name(result.reason)));
}

Status run(RunOptions o) {
  TRY_ASSIGN(const std::string prompt, text_or_stdin(o.prompt));
  TRY(validate(o.sampling));
  TRY_ASSIGN(const OpenedEngine opened, open_engine(o.model, o.engine));
  TRY_ASSIGN(const Sampling sampling, sampling_for(o.sampling, *opened.engine->model().bound().file));
  o.request.sampling = sampling.options;
  o.request.prompt = opened.engine->tokenizer().encode(prompt, {.parse_special = o.parse_special});

  if (!o.json) announce(opened, o, sampling, prompt);
  const auto stream = [&](std::string_view text) {
    if (!o.json) {
      fmt::print("{}", text);
      std::fflush(stdout);
    }
    return !interrupted();
  };
  TRY_ASSIGN(const GenerateResult result, opened.engine->generate(o.request, stream));
  print_result(opened, o, result);
  if (result.reason == FinishReason::kCancelled) return Error::cancelled("interrupted");
  return {};
}

}  // namespace

void add_run(CLI::App& app, Action& chosen) {
  auto o = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Continue a text");
  add_model_argument(*command, o->model);
  command->add_option("-p,--prompt", o->prompt, "text to continue; - reads standard input")->required();
  command->add_option("-n,--tokens", o->request.max_tokens, "most tokens to generate")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--stop", o->request.stop, "text that ends the answer and is not shown; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--parse-special", o->parse_special, "control tokens spelled in the prompt count as such");
  command->add_flag("--special", o->request.show_special, "show control tokens in the answer");
  command->add_flag("--ignore-eos", o->request.ignore_eos, "go on past the model's end tokens");
  command->add_flag("--speculate,!--no-speculate", o->request.speculate,
                    "guess at repetitions of the text: the same answer, sooner where it repeats itself (default on)");
  command->add_flag("--json", o->json, "one JSON document instead of a stream");
  add_sampling_options(*command, o->sampling);
  add_engine_options(*command, o->engine);
  add_nested_size_option(*command, o->engine.size);
  add_memory_option(*command, o->engine.memory, "refuse a model that would need more, like 2GiB (default: no limit)");
  command->footer(
      "Standard output carries the generated text and a final line feed, standard error all else. Ctrl-C ends with "
      "the\n"
      "text so far and status 130.\n\n"
      "Examples:\n"
      "  adder run -p \"Once upon a time\"\n"
      "  adder run model.gguf -p \"The capital of France is\" -n 16 --temp 0\n"
      "  echo \"Dear Sir,\" | adder run -p - --seed 7 --json");
  command->callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

}  // namespace adder
