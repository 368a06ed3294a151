#include "make/quantize/quantize.h"

#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/imatrix_option.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/mix_option.h"
#include "apps/model_path.h"
#include "apps/progress.h"
#include "apps/quantize_fp8.h"
#include "apps/quantize_plan.h"
#include "apps/receipt_text.h"

namespace adder {
namespace {

struct QuantizeCommand {
  std::string input, output;
  ImatrixRequest imatrix;
  PlanRequest plan;
  ReceiptText receipt;
  QuantizeOptions options;
  Fp8Request fp8;
  bool to_fp8 = false, dry_run = false, json = false;
};

std::string remarks(const QuantizedTensor& t) {
  std::string text;
  if (t.to.fell_back()) text += fmt::format(" instead of {}: rows of {}", name(t.to.wanted), t.spec.shape.row_length());
  if (t.compensated)
    text += " compensated";
  else if (t.by_importance)
    text += " by importance";
  if (t.requantized()) text += " from another quantised type, so errors add up";
  return text;
}

/// The divergence from IN, where it was measured.
using Measured = std::optional<DivergenceReport>;

void print_table(const QuantizeCommand& c, const QuantizeReport& report, const Measured& measured) {
  for (const QuantizedTensor& t : report.tensors)
    fmt::print("{:<32} {:>6} -> {:<6}{}\n", t.spec.gguf_name, name(t.from), name(t.to.type), remarks(t));
  fmt::print("{}: {:.1f} MB from {:.1f} MB of tensor data\n", c.output, static_cast<double>(report.bytes_out) / 1e6,
             static_cast<double>(report.bytes_in) / 1e6);
  if (measured)
    fmt::print("divergence {:.3e} ± {:.1e} nats per token on {} tokens\n", measured->kl().mean(),
               measured->kl().standard_error(), measured->kl().count());
}

void print_report_json(const QuantizeCommand& c, const QuantizeReport& report, const Measured& measured) {
  Json tensors = Json::array();
  for (const QuantizedTensor& t : report.tensors)
    tensors.push_back({{"name", t.spec.gguf_name},
                       {"from", name(t.from)},
                       {"to", name(t.to.type)},
                       {"wanted", name(t.to.wanted)},
                       {"by_importance", t.by_importance},
                       {"compensated", t.compensated},
                       {"requantized", t.requantized()}});
  print_json({{"in", c.input},
              {"out", c.output},
              {"type", c.options.plan ? Json("planned") : Json(info(c.options.mix).name)},
              {"bytes_in", report.bytes_in},
              {"bytes_out", report.bytes_out},
              {"divergence", measured ? Json(measured->to_json()) : Json(nullptr)},
              {"tensors", tensors}});
}

Status write_file_of(QuantizeCommand& c) {
  if (c.output.empty()) return Error::usage("quantize: OUT is required, unless --dry-run");
  QuantizeReport report;
  TRY_ASSIGN(const std::filesystem::path input, model_path(c.input));
  {
    Progress progress("quantizing");
    c.options.progress = [&](const QuantizeProgress& at) -> Status {
      if (interrupted()) return Error::cancelled("interrupted; nothing was written");
      progress.update(static_cast<double>(at.bytes_done) / static_cast<double>(at.bytes_total));
      return {};
    };
    TRY_ASSIGN(report, quantize(input, c.output, c.options));
  }
  Measured measured;
  if (!c.receipt.data.empty()) {
    TRY_ASSIGN(measured, measure_for_receipt(c.receipt, input, c.output, c.options.threads));
  }
  if (c.json) {
    print_report_json(c, report, measured);
  } else {
    print_table(c, report, measured);
  }
  return {};
}

Status run_quantize(QuantizeCommand c) {
  if (c.to_fp8) {
    if (c.dry_run || !c.imatrix.file.empty() || !c.receipt.data.empty())
      return Error::usage("quantize: --type fp8 takes neither --dry-run nor --imatrix nor --data");
    if (c.output.empty()) return Error::usage("quantize: OUT is required");
    return quantize_to_fp8(c.input, c.output, c.fp8, c.options.threads, c.json);
  }
  if (!c.fp8.text.files.empty() || c.fp8.sweep) return Error::usage("quantize: --calib and --sweep are for --type fp8");
  TRY_ASSIGN(const std::optional<Imatrix> imatrix, read_imatrix(c.imatrix));
  if (imatrix) c.options.imatrix = &*imatrix;
  if (!c.dry_run && !c.plan.asked()) return write_file_of(c);
  TRY_ASSIGN(const std::filesystem::path input, model_path(c.input));
  TRY_ASSIGN(const QuantizePlan plan, make_plan(input, c.plan, c.options));
  if (c.dry_run) {
    print_plan(plan, c.json);
    return {};
  }
  c.options.plan = plan.types;
  return write_file_of(c);
}

}  // namespace

void add_quantize(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<QuantizeCommand>();
  CLI::App* command = app.add_subcommand("quantize", "Rewrite a model with other number formats");
  command->add_option("IN", c->input, "GGUF file, Hugging Face directory, or ORG/NAME[:TYPE] on the Hub")->required();
  command->add_option("OUT", c->output, "GGUF file to write; for fp8 a directory (a page with --sweep)");
  add_mix_option(*command, c->options.mix, &c->to_fp8);
  add_imatrix_options(*command, c->imatrix);
  add_plan_options(*command, c->plan);
  add_fp8_options(*command, c->fp8);
  command->add_flag("--dry-run", c->dry_run, "print which tensor would get which type, and write nothing");
  add_receipt_text_options(*command, c->receipt);
  add_threads_option(*command, c->options.threads);
  command->add_flag("--json", c->json, "print JSON");
  command->footer(
      "Best from F32, F16 or BF16. The output appears when it is complete. --type gives every tensor the type that\n"
      "llama.cpp would give it; --bpw and --size-limit choose the types that keep this very model's divergence least\n"
      "for the size, by a table gathered once with 'adder sensitivity'. --type fp8 writes a Hugging Face directory as\n"
      "NVIDIA's Model Optimizer would (hf_quant_config.json, E4M3 weights, one scale each).\n\n"
      "Examples:\n"
      "  adder quantize model-bf16.gguf model-q4_k_m.gguf --type q4_k_m --imatrix model.imatrix\n"
      "  adder quantize hf-directory model-q8_0.gguf --type q8_0 --data book.txt --windows 8\n"
      "  adder quantize model-bf16.gguf model.gguf --size-limit 2.4GiB --sensitivity model.json --imatrix "
      "model.imatrix\n"
      "  adder quantize hf-directory fp8-directory --type fp8 --calib samples.jsonl\n"
      "  adder quantize hf-directory sweep.html --type fp8 --calib held-out.jsonl --sweep\n"
      "  adder quantize large.gguf out.gguf --size-limit 2.4GiB --sensitivity small.json --by-role\n"
      "  adder quantize model-bf16.gguf --bpw 4.6 --sensitivity model.json --dry-run");
  command->callback([c, &chosen] { chosen = [c] { return run_quantize(*c); }; });
}

}  // namespace adder
