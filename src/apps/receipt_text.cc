#include "apps/receipt_text.h"

#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/progress.h"
#include "apps/text_input.h"
#include "core/base/atomic_file.h"
#include "make/quantize/record_divergence.h"

namespace adder {

void add_receipt_text_options(CLI::App& command, ReceiptText& text) {
  auto* const data =
      command.add_option("--data", text.data,
                         "measure the divergence from IN on this text when OUT is written, and put it into the receipt "
                         "that 'adder verify' shows; - reads standard input");
  data->type_name("FILE");
  command.add_option("--windows", text.windows, "of the text, 512 tokens each; 0: all of it")
      ->check(CLI::Range(int64_t{0}, kMostContext))
      ->capture_default_str()
      ->needs(data);
}

Result<DivergenceReport> measure_for_receipt(const ReceiptText& text, const std::filesystem::path& parent,
                                             const std::filesystem::path& child, int threads) {
  TRY_ASSIGN(const std::string content, text.data == "-" ? read_stdin() : read_file(text.data));
  EvalOptions options{.max_windows = text.windows};
  const EngineOptions engine_options{.threads = threads, .kv_type = DType::kF32, .context = options.context};
  DivergenceReport report;
  {
    Progress progress("measuring");
    options.progress = [&](double done) -> Status {
      if (interrupted()) return Error::cancelled("interrupted; {} is written, without its divergence", child.string());
      progress.update(done);
      return {};
    };
    TRY_ASSIGN(const OpenedEngine from, open_engine(parent.string(), engine_options));
    TRY_ASSIGN(const OpenedEngine to, open_engine(child.string(), engine_options));
    const std::vector<TokenId> tokens = from.engine->tokenizer().encode(content, {.add_bos = true});
    TRY_ASSIGN(report, divergence(*from.engine, *to.engine, tokens, options));
  }
  TRY(record_divergence(child, {.kl = report.kl().mean(),
                                .kl_error = report.kl().standard_error(),
                                .tokens = report.kl().count(),
                                .text = hash128_hex(std::as_bytes(std::span(content)))}));
  return report;
}

}  // namespace adder
