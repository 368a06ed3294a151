#include "make/eval/perplexity.h"

#include <cmath>
#include <numbers>

#include "run/engine/engine.h"

namespace adder {

void PerplexityReport::add(const RowScore& row, int64_t token_bytes) {
  nll.add(row.nll);
  bytes += token_bytes;
}

double PerplexityReport::perplexity() const {
  return std::exp(nll.mean());
}
double PerplexityReport::perplexity_error() const {
  return perplexity() * nll.standard_error();
}
double PerplexityReport::bits_per_byte() const {
  return bytes == 0 ? 0 : nll.sum() / std::numbers::ln2 / static_cast<double>(bytes);
}

nlohmann::json PerplexityReport::to_json() const {
  return {{"perplexity", perplexity()},
          {"perplexity_error", perplexity_error()},
          {"nll", nll.mean()},
          {"nll_error", nll.standard_error()},
          {"tokens", nll.count()},
          {"windows", windows},
          {"bytes", bytes},
          {"bits_per_byte", bits_per_byte()}};
}

std::string PerplexityReport::to_text() const {
  return fmt::format(
      "perplexity     {:.4f} ± {:.4f}\n"
      "bits per byte  {:.4f}\n"
      "scored         {} tokens ({} bytes) in {} windows\n",
      perplexity(), perplexity_error(), bits_per_byte(), nll.count(), bytes, windows);
}

Result<std::vector<Window>> evaluation_windows(const Engine& engine, std::span<const TokenId> text,
                                               const EvalOptions& options) {
  const int64_t most = engine.options().context;
  if (options.context < 4 || options.context > most)
    return Error::usage("a window of {} tokens; must be 4 to {}, the engine's context", options.context, most);
  const int64_t vocab_size = engine.model().config().vocab_size;
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] < 0 || text[i] >= vocab_size)
      return Error::usage("token {} of the text is {}, the model has 0 to {}", i, text[i], vocab_size - 1);
  std::vector<Window> windows = cut_windows(text, options.context, options.windowing, engine.tokenizer().data().bos);
  if (windows.empty())
    return Error::usage("the text has {} tokens, too few for {}", text.size(),
                        options.windowing == Windowing::kSecondHalf ? fmt::format("a window of {}", options.context)
                                                                    : std::string("a prediction"));
  if (options.max_windows > 0 && options.max_windows < static_cast<int64_t>(windows.size()))
    windows.resize(static_cast<size_t>(options.max_windows));
  return windows;
}

Result<PerplexityReport> perplexity(Engine& engine, std::span<const TokenId> text, const EvalOptions& options) {
  TRY_ASSIGN(const auto windows, evaluation_windows(engine, text, options));
  PerplexityReport report;
  Engine* const engines[] = {&engine};
  for (const Window& window : windows) {
    TRY(run_window(window, engines, [&](int64_t position, auto rows, TokenId next) -> Status {
      if (options.on_logits) {
        if (Status taken = options.on_logits(rows[0]); !taken) return taken;
      }
      const RowScore score = score_row(rows[0], next);
      if (!std::isfinite(score.nll))
        return Error::corrupt("the logits at position {} of window {} are not finite", position, report.windows);
      report.add(score, static_cast<int64_t>(engine.tokenizer().token_bytes(next, true).size()));
      return {};
    }));
    ++report.windows;
    if (options.progress)
      TRY(options.progress(static_cast<double>(report.windows) / static_cast<double>(windows.size())));
  }
  return report;
}

}  // namespace adder
