#include "make/convert/convert.h"

#include <algorithm>
#include <map>
#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/model_path.h"
#include "apps/progress.h"
#include "core/base/byte_size.h"

namespace adder {
namespace {

struct ConvertCommand {
  std::string input, output, type, split;
  ConvertOptions options;
  bool json = false;
};

/// Why elements of this tensor do not come back.
std::string reason(const ConvertedTensor& tensor) {
  if (tensor.spec.role == Role::kA) return "A = -exp(A_log) rounds";
  if (tensor.from == DType::kF8E4M3) return fmt::format("codes times their scale round to {}", name(tensor.to));
  return fmt::format("{} is narrower", name(tensor.to));
}

void print_report(const ConvertReport& report) {
  for (const std::string& tensor : report.left_out) fmt::print("left out, no part of the model: {}\n", tensor);
  int64_t exact = 0;
  for (const ConvertedTensor& t : report.tensors) {
    if (t.changed == 0)
      ++exact;
    else
      fmt::print("{:<32} {:>6} -> {:<6} {} of {} values do not come back: {}\n", t.spec.gguf_name, name(t.from),
                 name(t.to), t.changed, t.spec.shape.elements(), reason(t));
  }
  fmt::print("{} of {} tensors come back to the bit\n", exact, report.tensors.size());
  for (const auto& path : report.outputs) fmt::print("{}\n", path.string());
}

void print_report_json(const ConvertCommand& c, const ConvertReport& report) {
  Json tensors = Json::array(), outputs = Json::array();
  for (const ConvertedTensor& t : report.tensors)
    tensors.push_back({{"name", t.spec.gguf_name},
                       {"from", name(t.from)},
                       {"to", name(t.to)},
                       {"changed", t.changed},
                       {"reason", t.changed > 0 ? Json(reason(t)) : Json(nullptr)}});
  for (const auto& path : report.outputs) outputs.push_back(path.string());
  print_json({{"in", c.input},
              {"out", outputs},
              {"bytes_in", report.bytes_in},
              {"bytes_out", report.bytes_out},
              {"left_out", report.left_out},
              {"tensors", tensors}});
}

Status run_convert(ConvertCommand c) {
  if (!c.type.empty()) c.options.type = dtype_from_name(c.type);
  if (!c.split.empty()) {
    TRY_ASSIGN(const int64_t bytes, parse_byte_size(c.split));
    c.options.split_bytes = static_cast<uint64_t>(bytes);
  }
  ConvertReport report;
  TRY_ASSIGN(const std::filesystem::path input, model_path(c.input));
  {
    Progress progress("converting");
    c.options.progress = [&](const ConvertProgress& at) -> Status {
      if (interrupted()) return Error::cancelled("interrupted; nothing was written");
      progress.update(static_cast<double>(at.bytes_done) / static_cast<double>(at.bytes_total));
      return {};
    };
    TRY_ASSIGN(report, convert(input, c.output, c.options));
  }
  if (c.json)
    print_report_json(c, report);
  else
    print_report(report);
  return {};
}

}  // namespace

void add_convert(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<ConvertCommand>();
  CLI::App* command = app.add_subcommand("convert", "Rewrite a model as GGUF or as a Hugging Face directory");
  command
      ->add_option("IN", c->input,
                   "GGUF file (the first, if split), Hugging Face directory, or ORG/NAME[:TYPE] on the Hub")
      ->required();
  command->add_option("OUT", c->output, "NAME.gguf, or else a directory")->required();
  command->add_option("--type", c->type, "f32, f16 or bf16 for all matrices (default: as they are)")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}, CLI::ignore_case))
      ->type_name("TYPE");
  command->add_option("--split", c->split, "write several GGUF files of at most this much data each, 4GB say")
      ->type_name("SIZE");
  add_threads_option(*command, c->options.threads);
  command->add_flag("--json", c->json, "print JSON, with every tensor");
  command->footer(
      "Config, tokenizer, chat template and special ids go along. The output appears when it is complete; the report\n"
      "counts the values that a conversion back would not return to the bit. Split files are called\n"
      "NAME-00001-of-00003.gguf and so on; any command takes the first for the whole.\n\n"
      "Examples:\n"
      "  adder convert hf-directory model.gguf\n"
      "  adder convert model.gguf hf-directory\n"
      "  adder convert model-q4_k_m.gguf hf-directory --type bf16\n"
      "  adder convert model.gguf parts.gguf --split 4GB && adder convert parts-00001-of-00002.gguf whole.gguf");
  command->callback([c, &chosen] { chosen = [c] { return run_convert(*c); }; });
}

}  // namespace adder
