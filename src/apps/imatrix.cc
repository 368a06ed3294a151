#include "make/calib/imatrix.h"

#include <memory>

#include "apps/calibration_text.h"
#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/progress.h"
#include "make/calib/gather.h"

namespace adder {
namespace {

struct ImatrixCommand {
  std::string model, out;
  CalibrationText text;
  int64_t gram = 0;
  EngineOptions engine;
  bool json = false;
};

void print_table(const ImatrixCommand& c, const Calibration& found) {
  fmt::print("{}: inputs of {} matrices on {} windows of {} tokens\n", c.out, found.imatrix.entries.size(),
             found.imatrix.chunk_count, found.imatrix.chunk_size);
  if (c.gram > 0) fmt::print("with products of columns in squares of at most {}\n", c.gram);
  fmt::print("\nExact zeros, in per cent of the input: alone, in whole groups of 4, in whole blocks of 32\n");
  for (const ZeroShares& zeros : found.zeros)
    if (zeros.zeros > 0)
      fmt::print("  {:<28} {:6.2f} {:6.2f} {:6.2f}\n", zeros.spec.gguf_name, 100 * zeros.share(),
                 100 * zeros.share_in_4(), 100 * zeros.share_in_32());
}

void print_report_json(const ImatrixCommand& c, const Calibration& found) {
  Json tensors = Json::array();
  for (const ZeroShares& zeros : found.zeros)
    tensors.push_back({{"name", zeros.spec.gguf_name},
                       {"role", name(zeros.spec.role)},
                       {"columns", zeros.spec.shape.row_length()},
                       {"rows", zeros.elements / zeros.spec.shape.row_length()},
                       {"zeros", zeros.share()},
                       {"zeros_in_4", zeros.share_in_4()},
                       {"zeros_in_32", zeros.share_in_32()}});
  print_json({{"out", c.out},
              {"datasets", found.imatrix.datasets},
              {"windows", found.imatrix.chunk_count},
              {"window", found.imatrix.chunk_size},
              {"gram_columns", c.gram},
              {"tensors", tensors}});
}

Status run_imatrix(ImatrixCommand c) {
  Calibration found;
  {
    Progress progress("reading");
    c.engine.context = c.text.context;
    TRY_ASSIGN(const OpenedEngine opened, open_engine(c.model, c.engine));
    const ModelFile& file = *opened.engine->model().bound().file;
    TRY_ASSIGN(const std::vector<Window> windows, calibration_windows(c.text, file, opened.engine->tokenizer()));
    GatherOptions options{.datasets = c.text.files,
                          .window = c.text.context,
                          .gram_columns = c.gram,
                          .threads = opened.engine->options().threads};
    options.progress = [&](double done) -> Status {
      if (interrupted()) return Error::cancelled("interrupted; nothing was written");
      progress.update(done);
      return {};
    };
    TRY_ASSIGN(found, gather(*opened.engine, windows, options));
  }
  TRY(found.imatrix.write(c.out));
  if (c.json) {
    print_report_json(c, found);
  } else {
    print_table(c, found);
  }
  return {};
}

}  // namespace

void add_imatrix(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<ImatrixCommand>();
  CLI::App* command =
      app.add_subcommand("imatrix", "Gather which inputs of a model's matrices are large, to quantize by");
  add_model_argument(*command, c->model);
  add_calibration_text_options(*command, c->text);
  command->add_option("-o,--out", c->out, "file to write: llama.cpp's imatrix in GGUF")->required();
  command
      ->add_option("--gram", c->gram,
                   "also gather how inputs vary together, in squares of so many columns (256, 512 ... 4096), for "
                   "'--rounding compensated'; 4 bytes x columns for each column of the model's matrices")
      ->check(CLI::Validator(
          [](const std::string& text) {
            int64_t columns = 0;
            const bool number = CLI::detail::lexical_cast(text, columns);
            return number && columns >= 256 && columns <= 4096 && columns % 256 == 0
                       ? std::string()
                       : "expected a multiple of 256 up to 4096, found " + text;
          },
          "COLUMNS"));
  add_team_options(*command, c->engine);
  command->add_flag("--json", c->json, "print JSON");
  command->footer(
      "Runs the model, best the unquantised one, over every position of the text; some 100 windows are plenty. Also\n"
      "counts the zeros that a squared ReLU leaves.\n\n"
      "Examples:\n"
      "  adder imatrix model-bf16.gguf --data calibration.txt --out model.imatrix\n"
      "  adder imatrix model-bf16.gguf --data calibration.txt --gram 1024 --out model.imatrix\n"
      "  adder imatrix model-bf16.gguf --data prose.txt code.txt --windows 64 --out model.imatrix --json");
  command->callback([c, &chosen] { chosen = [c] { return run_imatrix(*c); }; });
}

}  // namespace adder
