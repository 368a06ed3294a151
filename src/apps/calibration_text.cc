#include "apps/calibration_text.h"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <iterator>
#include <optional>

#include "apps/engine_options.h"
#include "apps/text_input.h"
#include "core/base/atomic_file.h"
#include "core/chat/chat_format.h"
#include "core/chat/messages.h"
#include "core/formats/json.h"
#include "core/formats/json_lines.h"

namespace adder {
namespace {

/// Lines of JSON as token ids.
class SampleLines {
 public:
  SampleLines(const ModelFile& model, const Tokenizer& tokenizer) : model_(model), tokenizer_(tokenizer) {}

  Result<std::vector<TokenId>> tokens(std::string_view line) {
    TRY(parse_json(line, "a sample"));
    const auto sample = parse_ordered(line);
    if (sample && sample->is_object()) {
      if (const auto text = sample->find("text"); text != sample->end() && text->is_string())
        return tokenizer_.encode(text->get<std::string>(), {.add_bos = true});
      if (const auto messages = sample->find("messages"); messages != sample->end()) return conversation(*messages);
    }
    return Error::corrupt("expected an object with a text \"text\" or with \"messages\"");
  }

 private:
  Result<std::vector<TokenId>> conversation(const nlohmann::ordered_json& messages) {
    if (!format_) {
      TRY_ASSIGN(format_, ChatFormat::from_file(model_, tokenizer_));
    }
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    TRY_ASSIGN(ChatPrompt prompt, format_->prompt({.messages = messages, .tools = {}, .answer_follows = false}, local));
    return std::move(prompt.ids);
  }

  const ModelFile& model_;
  const Tokenizer& tokenizer_;
  std::optional<ChatFormat> format_;
};

}  // namespace

void add_calibration_text_options(CLI::App& command, CalibrationText& text) {
  command.add_option("--data", text.files, "text files, or lines of JSON (.jsonl); - reads standard input")
      ->required()
      ->type_name("FILE...");
  command.add_option("-c,--context", text.context, "tokens per window")
      ->check(CLI::Range(int64_t{4}, kMostContext))
      ->capture_default_str();
  command.add_option("--windows", text.max_windows, "stop after so many; 0: all texts")
      ->check(CLI::Range(int64_t{0}, kMostContext))
      ->capture_default_str();
}

Result<std::vector<Window>> calibration_windows(const CalibrationText& text, const ModelFile& model,
                                                const Tokenizer& tokenizer) {
  std::vector<Window> windows;
  SampleLines lines(model, tokenizer);
  const size_t most = text.max_windows > 0 ? static_cast<size_t>(text.max_windows) : SIZE_MAX;
  for (const std::string& file : text.files) {
    TRY_ASSIGN(const std::string content, file == "-" ? read_stdin() : read_file(file));
    if (file.ends_with(".jsonl")) {
      TRY(for_each_json_line(content, file, [&](std::string_view line) -> Status {
        if (windows.size() >= most) return {};
        TRY_ASSIGN(std::vector<TokenId> tokens, lines.tokens(line));
        tokens.resize(std::min(tokens.size(), static_cast<size_t>(text.context)));
        if (!tokens.empty()) windows.push_back({std::move(tokens), 0});
        return {};
      }));
      continue;
    }
    const std::vector<TokenId> tokens = tokenizer.encode(content, {.add_bos = true});
    auto cut = cut_windows(tokens, text.context, Windowing::kSecondHalf, tokenizer.data().bos);
    if (cut.empty())
      return Error::usage("{}: {} tokens, too few for a window of {}", file, tokens.size(), text.context);
    std::ranges::move(cut, std::back_inserter(windows));
  }
  if (windows.empty()) return Error::usage("no samples");
  if (windows.size() > most) windows.resize(most);
  return windows;
}

}  // namespace adder
