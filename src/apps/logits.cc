#include <algorithm>
#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/progress.h"
#include "core/base/atomic_file.h"

namespace adder {
namespace {

struct LogitsOptions {
  std::string model, out;
  std::vector<TokenId> tokens;
  EngineOptions engine;
  bool json = false;
};

/// Streams [tokens, vocabulary] to the file, a pass of the model at a time.
Status write_logits(Engine& engine, std::span<const TokenId> tokens, AtomicFile& file) {
  TRY_ASSIGN(Sequence sequence, engine.new_sequence());
  Progress progress("logits");
  const auto pass = static_cast<size_t>(engine.options().prefill_tokens);
  for (size_t done = 0; done < tokens.size();) {
    if (interrupted()) return Error::cancelled("interrupted; nothing was written");
    const Segment segment{&sequence, tokens.subspan(done, std::min(pass, tokens.size() - done)), Want::kAll};
    TRY_ASSIGN(const std::span<const float> logits, engine.forward().run({&segment, 1}));
    TRY(file.write(std::as_bytes(logits)));
    done += segment.tokens.size();
    progress.update(static_cast<double>(done) / static_cast<double>(tokens.size()));
  }
  return {};
}

Status logits(const LogitsOptions& o) {
  TRY_ASSIGN(const OpenedEngine opened, open_engine(o.model, o.engine));
  Engine& engine = *opened.engine;
  if (static_cast<int64_t>(o.tokens.size()) > engine.options().context)
    return Error::too_large("--tokens: {} ids, --context allows {}", o.tokens.size(), engine.options().context);
  TRY_ASSIGN(AtomicFile file, AtomicFile::create(o.out));
  TRY(write_logits(engine, o.tokens, file));
  TRY(file.commit());

  const int64_t vocabulary = engine.model().config().vocab_size;
  if (o.json) {
    print_json({{"model", opened.path}, {"out", o.out}, {"dtype", "F32"}, {"shape", {o.tokens.size(), vocabulary}}});
  } else {
    fmt::print("[{}, {}]\n", o.tokens.size(), vocabulary);
  }
  return {};
}

}  // namespace

void add_logits(CLI::App& app, Action& chosen) {
  auto o = std::make_shared<LogitsOptions>();
  CLI::App* command = app.add_subcommand("logits", "Write the logits of every position of a token sequence");
  add_model_argument(*command, o->model);
  command->add_option("--tokens", o->tokens, "ids, taken as they are: 1,2,3")
      ->type_name("IDS")
      ->delimiter(',')
      ->required();
  command->add_option("-o,--out", o->out, "file for little-endian float32, row-major [tokens, vocabulary]")->required();
  command->add_flag("--json", o->json, "say what was written as JSON");
  add_engine_options(*command, o->engine);
  add_nested_size_option(*command, o->engine.size);
  command->footer(
      "Prints the shape. Examples:\n"
      "  adder logits model.gguf --tokens 1,22177,1044 --out logits.f32\n"
      "  adder logits model.gguf --tokens 1,2,3 --out logits.f32 --kv-type f32 --json");
  command->callback([o, &chosen] { chosen = [o] { return logits(*o); }; });
}

}  // namespace adder
