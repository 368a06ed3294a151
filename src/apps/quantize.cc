#include "make/quantize/quantize.h"

#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/mix_option.h"
#include "apps/model_path.h"
#include "apps/progress.h"

namespace adder {
namespace {

struct QuantizeCommand {
  std::string input, output;
  QuantizeOptions options;
  bool json = false;
};

void print_table(const QuantizeCommand& c, const QuantizeReport& report) {
  for (const QuantizedTensor& t : report.tensors)
    fmt::print(
        "{:<32} {:>6} -> {:<6}{}{}\n", t.spec.gguf_name, name(t.from), name(t.to.type),
        t.to.fell_back() ? fmt::format(" instead of {}: rows of {}", name(t.to.wanted), t.spec.shape.row_length()) : "",
        t.requantized() ? " from another quantised type, so errors add up" : "");
  fmt::print("{}: {:.1f} MB from {:.1f} MB of tensor data\n", c.output, static_cast<double>(report.bytes_out) / 1e6,
             static_cast<double>(report.bytes_in) / 1e6);
}

void print_report_json(const QuantizeCommand& c, const QuantizeReport& report) {
  Json tensors = Json::array();
  for (const QuantizedTensor& t : report.tensors)
    tensors.push_back({{"name", t.spec.gguf_name},
                       {"from", name(t.from)},
                       {"to", name(t.to.type)},
                       {"wanted", name(t.to.wanted)},
                       {"requantized", t.requantized()}});
  print_json({{"in", c.input},
              {"out", c.output},
              {"type", info(c.options.mix).name},
              {"bytes_in", report.bytes_in},
              {"bytes_out", report.bytes_out},
              {"tensors", tensors}});
}

Status run_quantize(QuantizeCommand c) {
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
  if (c.json) {
    print_report_json(c, report);
  } else {
    print_table(c, report);
  }
  return {};
}

}  // namespace

void add_quantize(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<QuantizeCommand>();
  CLI::App* command = app.add_subcommand("quantize", "Rewrite a model with other number formats");
  command->add_option("IN", c->input, "GGUF file, Hugging Face directory, or ORG/NAME[:TYPE] on the Hub")->required();
  command->add_option("OUT", c->output, "GGUF file to write")->required();
  add_mix_option(*command, c->options.mix);
  add_threads_option(*command, c->options.threads);
  command->add_flag("--json", c->json, "print JSON");
  command->footer(
      "Best from F32, F16 or BF16. The output appears when it is complete.\n\n"
      "Examples:\n"
      "  adder quantize model-bf16.gguf model-q4_k_m.gguf --type q4_k_m\n"
      "  adder quantize hf-directory model-q8_0.gguf --type q8_0");
  command->callback([c, &chosen] { chosen = [c] { return run_quantize(*c); }; });
}

}  // namespace adder
