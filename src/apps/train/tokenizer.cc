#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "core/base/atomic_file.h"
#include "make/train/data/streams.h"

namespace adder {
namespace {

struct TokenizerCommand {
  std::filesystem::path data, out;
  int64_t vocab_size = 4096;
  std::vector<int64_t> held_out;
};

Status train_tokenizer(const TokenizerCommand& options) {
  if (std::filesystem::exists(options.out / "tokenizer.json")) {
    return Error::usage("{}: has a tokenizer.json already", options.out.string());
  }
  TRY_ASSIGN(const std::vector<Book> books, read_corpus(options.data, options.held_out));
  TRY(make_directory(options.out));
  TRY_ASSIGN(const Tokenizer tokenizer, tokenizer_for(books, options.vocab_size, options.out));
  fmt::print(stderr, "{}: {} tokens\n", (options.out / "tokenizer.json").string(), tokenizer.vocab_size());
  return {};
}

}  // namespace

void add_tokenizer(CLI::App& app, Status& status) {
  auto options = std::make_shared<TokenizerCommand>();
  CLI::App* command = app.add_subcommand("tokenizer", "learn a byte-level BPE vocabulary");
  command->add_option("--data", options->data, "folder of <id>-<title>.txt or .jsonl")->required();
  command->add_option("--out", options->out, "folder for tokenizer.json and its side files")->required();
  command->add_option("--vocab", options->vocab_size, "tokens in all")->capture_default_str();
  command->add_option("--hold-out", options->held_out, "ids of books not to learn from")->delimiter(',');
  command->callback([options, &status] { status = train_tokenizer(*options); });
}

}  // namespace adder
