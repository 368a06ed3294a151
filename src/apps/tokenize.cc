#include <fmt/ranges.h>

#include <iostream>
#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/json_output.h"
#include "apps/model_path.h"
#include "apps/text_input.h"
#include "core/formats/hf_directory.h"
#include "core/formats/model_file.h"

namespace adder {
namespace {

struct TokenizeOptions {
  std::string model, prompt = "-";
  std::vector<TokenId> decode;
  EncodeOptions encode;
  bool special = false, json = false, json_lines = false;
};

/// Each line of standard input is a JSON string; each line of output the array of its ids.
Status tokenize_lines(const Tokenizer& tokenizer, const EncodeOptions& options) {
  std::string line;
  for (size_t number = 1; std::getline(std::cin, line); ++number) {
    const std::string where = fmt::format("standard input, line {}", number);
    TRY_ASSIGN(const nlohmann::json text, parse_json(line, where));
    if (!text.is_string()) return Error::corrupt("{}: expected a JSON string, found {}", where, text.type_name());
    fmt::print("{}\n", nlohmann::json(tokenizer.encode(text.get_ref<const std::string&>(), options)).dump());
  }
  return {};
}

void print_tokens(const Tokenizer& tokenizer, const std::vector<TokenId>& ids, const std::string& text, bool json) {
  if (!json) {
    fmt::print("{}\n", fmt::join(ids, " "));
    return;
  }
  Json pieces = Json::array();
  for (const TokenId id : ids) pieces.push_back(tokenizer.token_bytes(id, true));
  print_json({{"count", ids.size()}, {"bytes", text.size()}, {"ids", ids}, {"pieces", pieces}});
}

Status tokenize(const TokenizeOptions& o) {
  TRY_ASSIGN(const std::filesystem::path path, model_path(o.model));
  TRY_ASSIGN(const ModelFile file, ModelFile::open(path));
  TRY_ASSIGN(const Tokenizer tokenizer, Tokenizer::from_file(file));
  if (o.json_lines) return tokenize_lines(tokenizer, o.encode);
  if (!o.decode.empty()) {
    for (const TokenId id : o.decode) {
      if (id < 0 || id >= tokenizer.vocab_size())
        return Error::usage("--decode: id {} is outside the vocabulary of {}", id, tokenizer.vocab_size());
    }
    fmt::print("{}\n", tokenizer.decode(o.decode, o.special));
    return {};
  }
  TRY_ASSIGN(const std::string text, text_or_stdin(o.prompt));
  print_tokens(tokenizer, tokenizer.encode(text, o.encode), text, o.json);
  return {};
}

}  // namespace

void add_tokenize(CLI::App& app, Action& chosen) {
  auto o = std::make_shared<TokenizeOptions>();
  CLI::App* command = app.add_subcommand("tokenize", "Turn text into token ids, or back");
  add_model_argument(*command, o->model);
  auto* prompt = command->add_option("-p,--prompt", o->prompt, "text to encode; - reads standard input (default)");
  auto* lines = command->add_flag("--jsonl", o->json_lines, "a JSON string a line in, a JSON array of ids a line out");
  command->add_option("--decode", o->decode, "ids to turn back into text: 1,2,3")
      ->type_name("IDS")
      ->delimiter(',')
      ->excludes(prompt, lines);
  command->add_flag("!--no-bos", o->encode.add_bos, "leave out the beginning-of-sequence token the file asks for");
  command->add_flag("--parse-special", o->encode.parse_special, "control tokens spelled in the text count as such");
  command->add_flag("--special", o->special, "with --decode, show control tokens");
  command->add_flag("--json", o->json, "ids and the bytes of each as JSON")->excludes(lines);
  command->footer(
      "Examples:\n"
      "  adder tokenize -p \"Hello, my name is\"\n"
      "  adder tokenize model.gguf --decode 22177,1044\n"
      "  jq -c .text corpus.jsonl | adder tokenize model.gguf --jsonl");
  command->callback([o, &chosen] { chosen = [o] { return tokenize(*o); }; });
}

}  // namespace adder
