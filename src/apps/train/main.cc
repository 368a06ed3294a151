#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "make/train/base/blas_kernels.h"

int main(int argc, char** argv) {
  adder::restart_with_better_blas(argv);
  CLI::App app("adder-train: makes hybrid Mamba-Transformer models from text", "adder-train");
  app.require_subcommand(1);
  adder::Status status;
  for (const auto add :
       {adder::add_synth_data, adder::add_tokenizer, adder::add_pretrain, adder::add_elastic, adder::add_distill,
        adder::add_evaluate, adder::add_export, adder::add_compare_runs, adder::add_completion})
    add(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {  // libtorch's, on a device without memory for example: a trace follows
    const std::string_view what = error.what();
    fmt::print(stderr, "adder-train: {}\n", what.substr(0, what.find('\n')));
    return 1;
  }
  if (status) return 0;
  fmt::print(stderr, "adder-train: {}\n", status.error().message());
  return status.error().code() == adder::ErrorCode::kUsage ? 2 : 1;
}
