#include "apps/calibration_text.h"

#include <algorithm>
#include <iterator>

#include "apps/engine_options.h"
#include "apps/text_input.h"
#include "core/base/atomic_file.h"

namespace adder {

void add_calibration_text_options(CLI::App& command, CalibrationText& text) {
  command.add_option("--data", text.files, "text files; - reads standard input")->required()->type_name("FILE...");
  command.add_option("-c,--context", text.context, "tokens per window")
      ->check(CLI::Range(int64_t{4}, kMostContext))
      ->capture_default_str();
  command.add_option("--windows", text.max_windows, "stop after so many; 0: all texts")
      ->check(CLI::Range(int64_t{0}, kMostContext))
      ->capture_default_str();
}

Result<std::vector<Window>> calibration_windows(const CalibrationText& text, const Tokenizer& tokenizer) {
  std::vector<Window> windows;
  for (const std::string& file : text.files) {
    TRY_ASSIGN(const std::string content, file == "-" ? read_stdin() : read_file(file));
    const std::vector<TokenId> tokens = tokenizer.encode(content, {.add_bos = true});
    auto cut = cut_windows(tokens, text.context, Windowing::kSecondHalf, tokenizer.data().bos);
    if (cut.empty())
      return Error::usage("{}: {} tokens, too few for a window of {}", file, tokens.size(), text.context);
    std::ranges::move(cut, std::back_inserter(windows));
  }
  const auto most = static_cast<size_t>(text.max_windows);
  if (most > 0 && most < windows.size()) windows.resize(most);
  return windows;
}

}  // namespace adder
