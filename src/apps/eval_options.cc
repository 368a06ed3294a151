#include "apps/eval_options.h"

#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/text_input.h"
#include "core/base/atomic_file.h"

namespace adder {

void add_eval_options(CLI::App& command, EvalCommand& c) {
  command.add_option("--data", c.data, "text file; - reads standard input");
  command.add_option("-c,--context", c.eval.context, "tokens per window")
      ->check(CLI::Range(int64_t{4}, kMostContext))
      ->capture_default_str();
  command.add_flag("--every-token", c.every_token,
                   "count every token once, in overlapping windows (default: the second half of each window, as "
                   "llama.cpp does)");
  command.add_option("--windows", c.eval.max_windows, "stop after so many; 0: the whole text")
      ->check(CLI::Range(int64_t{0}, kMostContext))
      ->capture_default_str();
  add_team_options(command, c.engine);
  command.add_flag("--json", c.json, "print JSON");
}

void prepare(EvalCommand& c, Progress& progress) {
  c.engine.context = c.eval.context;
  c.eval.windowing = c.every_token ? Windowing::kEveryToken : Windowing::kSecondHalf;
  c.eval.progress = [&progress](double done) -> Status {
    if (interrupted()) return Error::cancelled("interrupted after {:.0f} % of the text", done * 100);
    progress.update(done);
    return {};
  };
}

Result<std::vector<TokenId>> eval_tokens(const EvalCommand& c, const Tokenizer& tokenizer) {
  TRY_ASSIGN(const std::string text, c.data == "-" ? read_stdin() : read_file(c.data));
  // llama.cpp cuts its windows out of a text that begins with BOS; where every token counts, BOS is no token of the
  // text.
  return tokenizer.encode(text, {.add_bos = !c.every_token});
}

}  // namespace adder
