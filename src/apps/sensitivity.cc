#include "make/plan/sensitivity.h"

#include <filesystem>
#include <memory>

#include "apps/calibration_text.h"
#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/imatrix_option.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/model_path.h"
#include "apps/progress.h"
#include "core/formats/json.h"
#include "core/text/tokenizer.h"
#include "make/plan/measure.h"

namespace adder {
namespace {

struct SensitivityCommand {
  std::string model, out;
  ImatrixRequest imatrix;
  CalibrationText text;
  int threads = available_threads();
  bool json = false;
};

/// What an earlier run left under the name that this one will write.
Result<Sensitivities> earlier(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return Sensitivities();
  return Sensitivities::read(path);
}

Result<Sensitivities> gather_table(const SensitivityCommand& c) {
  TRY_ASSIGN(const Sensitivities done, earlier(c.out));
  TRY_ASSIGN(const std::optional<Imatrix> imatrix, read_imatrix(c.imatrix));
  TRY_ASSIGN(const std::filesystem::path path, model_path(c.model));
  TRY_ASSIGN(ModelFile file, ModelFile::open(path));
  TRY_ASSIGN(BoundModel model, bind(std::make_shared<const ModelFile>(std::move(file))));
  TRY_ASSIGN(const Tokenizer tokenizer, Tokenizer::from_file(*model.file));
  TRY_ASSIGN(const auto windows, calibration_windows(c.text, *model.file, tokenizer));

  Progress progress("measuring");
  MeasureOptions options{.imatrix = imatrix ? &*imatrix : nullptr, .threads = c.threads};
  options.progress = [&](double share) -> Status {
    if (interrupted()) return Error::cancelled("interrupted; the same command goes on from {}", c.out);
    progress.update(share);
    return {};
  };
  options.save = [&](const Sensitivities& table) { return table.write(c.out); };
  auto table = measure_sensitivities(std::move(model), windows, options, done);
  if (!table && table.error().code() == ErrorCode::kUsage) return std::move(table).error().in(c.out);
  return table;
}

Status run_sensitivity(const SensitivityCommand& c) {
  TRY_ASSIGN(const Sensitivities table, gather_table(c));
  TRY(table.write(c.out));
  if (c.json) {
    TRY_ASSIGN(const nlohmann::json document, read_json(c.out));
    print_json(document);
    return {};
  }
  for (const TensorSensitivity& tensor : table.tensors)
    fmt::print("{:<32} {:.3e} in {}\n", tensor.name, tensor.kl, name(tensor.probe));
  fmt::print("{}: {} matrices, divergence in nats per token with each rounded alone\n", c.out, table.tensors.size());
  return {};
}

}  // namespace

void add_sensitivity(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<SensitivityCommand>();
  CLI::App* command =
      app.add_subcommand("sensitivity", "Measure what rounding each matrix of a model costs, to plan types by");
  command
      ->add_option("MODEL", c->model, "GGUF file, Hugging Face directory, or ORG/NAME on the Hub, in F32, F16 or BF16")
      ->required();
  add_calibration_text_options(*command, c->text);
  add_imatrix_options(*command, c->imatrix);
  command->add_option("-o,--out", c->out, "table to write, JSON")->required()->type_name("FILE");
  add_threads_option(*command, c->threads);
  command->add_flag("--json", c->json, "print the table");
  command->footer(
      "Runs the model over the text once for every matrix; a few windows are enough. A run that was broken off goes "
      "on\n"
      "where it stopped. Give --imatrix and --rounding as 'adder quantize' will get them.\n\n"
      "Examples:\n"
      "  adder sensitivity model-bf16.gguf --data calibration.txt --windows 4 --imatrix model.imatrix --out "
      "model.json\n"
      "  adder quantize model-bf16.gguf model.gguf --bpw 4.6 --sensitivity model.json --imatrix model.imatrix");
  command->callback([c, &chosen] { chosen = [c] { return run_sensitivity(*c); }; });
}

}  // namespace adder
