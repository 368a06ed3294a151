#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "apps/commands.h"
#include "apps/exit_status.h"
#include "apps/help_style.h"
#include "apps/interrupt.h"
#include "apps/version.h"

namespace adder {
namespace {

int report(const Error& error) {
  std::fflush(stdout);
  fmt::print(stderr, "adder: {}\n", error.message());
  return exit_status(error.code());
}

int run_main(int argc, char** argv) {
  CLI::App app{"Runs and makes compact hybrid Mamba-Transformer language models.", "adder"};
  set_help_style(app);
  app.footer(fmt::format("Without a MODEL a command uses the built-in one. adder COMMAND --help says more.\n\n{}",
                         kExitStatusHelp));
  app.require_subcommand(1);
  app.set_version_flag("-v,--version", version_text, "what was built, and what this machine runs");

  Action chosen;
  int status = 0;
  add_run(app, chosen);
  add_chat(app, chosen);
  add_inspect(app, chosen);
  add_tokenize(app, chosen);
  add_plan(app, chosen);
  add_bench(app, chosen);
  add_latency(app, chosen);
  add_perplexity(app, chosen);
  add_compare(app, chosen);
  add_logits(app, chosen);
  add_solve(app, chosen);
  add_imatrix(app, chosen);
  add_importance(app, chosen);
  add_sensitivity(app, chosen);
  add_quantize(app, chosen);
  add_slice(app, chosen);
  add_nest(app, chosen);
  add_convert(app, chosen);
  add_verify(app, chosen);
  add_diff(app, chosen, status);
  add_synth(app, chosen);
  add_pull(app, chosen);
  add_list(app, chosen);
  add_rm(app, chosen);
  add_completion(app, chosen);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_status(ErrorCode::kUsage);
  }

  watch_for_interrupt();
  if (const Status done = chosen(); !done) return report(done.error());
  // A full disk or a closed pipe shows up only here.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return report(Error::io("cannot write to standard output"));
  return status;
}

}  // namespace
}  // namespace adder

int main(int argc, char** argv) {
  try {
    return adder::run_main(argc, argv);
  } catch (const std::bad_alloc&) {
    return adder::report(adder::Error::too_large("out of memory"));
  } catch (const std::exception& error) {
    return adder::report(adder::Error::io("{}", error.what()));
  }
}
