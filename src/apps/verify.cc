#include "make/verify/verify.h"

#include <memory>

#include "apps/commands.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/model_path.h"
#include "apps/progress.h"
#include "core/base/byte_size.h"

namespace adder {
namespace {

struct VerifyCommand {
  std::string model;
  bool json = false;
};

void print_receipt(const Receipt& receipt) {
  fmt::print("written by adder {}, {:.2f} bits per weight\n", receipt.version, receipt.bits_per_weight);
  for (const ReceiptStep& step : receipt.steps)
    fmt::print("  {}{}\n", step.recipe, step.source.empty() ? "" : fmt::format("   of model {}", step.source));
  if (const auto& divergence = receipt.divergence)
    fmt::print("divergence {:.3e} ± {:.1e} nats per token, measured on {} tokens of text {}\n", divergence->kl,
               divergence->kl_error, divergence->tokens, divergence->text);
}

void print_report(const VerifyReport& report) {
  if (report.receipt) print_receipt(*report.receipt);
  if (!report.model_hash.empty()) fmt::print("model {}\n", report.model_hash);
  for (const std::string& line : report.damage) fmt::print("damaged: {}\n", line);
  if (!report.not_checked.empty()) fmt::print("names and shapes were not checked: {}\n", report.not_checked);
  if (!report.is_sealed)
    fmt::print(
        "no receipt, so bits that flipped cannot be told from bits that did not; checked: the format, {}no NaN "
        "or infinity\n",
        report.not_checked.empty() ? "names and shapes, " : "");
  if (report.damage.empty())
    fmt::print("{} tensors, {}: {}\n", report.tensors, byte_size_text(static_cast<int64_t>(report.bytes)),
               report.is_sealed ? "every bit as it was written, all numbers finite" : "nothing wrong");
}

void print_report_json(const VerifyCommand& c, const VerifyReport& report) {
  Json receipt = report.receipt ? Json(to_json(*report.receipt)) : Json(nullptr);
  print_json({{"path", c.model},
              {"damage", report.damage},
              {"sealed", report.is_sealed},
              {"receipt", receipt},
              {"model_hash", report.model_hash.empty() ? Json(nullptr) : Json(report.model_hash)},
              {"not_checked", report.not_checked.empty() ? Json(nullptr) : Json(report.not_checked)},
              {"tensors", report.tensors},
              {"bytes", report.bytes}});
}

Status run_verify(const VerifyCommand& c) {
  VerifyReport report;
  TRY_ASSIGN(const std::filesystem::path path, model_path(c.model));
  {
    Progress progress("verifying");
    TRY_ASSIGN(report, verify(path, [&](const VerifyProgress& at) -> Status {
                 if (interrupted()) return Error::cancelled("interrupted");
                 progress.update(static_cast<double>(at.bytes_done) / static_cast<double>(at.bytes_total));
                 return {};
               }));
  }
  if (c.json)
    print_report_json(c, report);
  else
    print_report(report);
  if (report.damage.empty()) return {};
  const std::string more = report.damage.size() > 1 ? fmt::format(" (and {} more)", report.damage.size() - 1) : "";
  return Error::corrupt("{}: damaged: {}{}", c.model, report.damage.front(), more);
}

}  // namespace

void add_verify(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<VerifyCommand>();
  CLI::App* command =
      app.add_subcommand("verify", "Find damage in a model: flipped bits, NaN, tensors that do not fit");
  command->add_option("MODEL", c->model, "GGUF file, Hugging Face directory, or ORG/NAME[:TYPE] on the Hub")
      ->required();
  command->add_flag("--json", c->json, "print JSON");
  command->footer(
      "What adder writes carries a receipt: where it comes from, and a hash of every tensor and of all the rest. With\n"
      "one, a single flipped bit is found and its tensor named (exit status 4). Without, the format, names, shapes "
      "and\n"
      "numbers are checked.\n\n"
      "Examples:\n"
      "  adder verify model.gguf\n"
      "  adder verify hf-directory --json | jq .receipt.steps");
  command->callback([c, &chosen] { chosen = [c] { return run_verify(*c); }; });
}

}  // namespace adder
