#include "make/verify/diff.h"

#include <cmath>
#include <memory>

#include "apps/commands.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/model_path.h"
#include "apps/progress.h"

namespace adder {
namespace {

struct DiffCommand {
  std::string a, b;
  DiffOptions options;
  bool json = false;
};

std::string type_text(const std::optional<DType>& type) {
  return type ? std::string(name(*type)) : "missing";
}

void print_fields(std::string_view title, const std::vector<FieldDifference>& fields) {
  for (const FieldDifference& f : fields)
    fmt::print("{} {}: {} | {}\n", title, f.field, f.a.empty() ? "-" : f.a, f.b.empty() ? "-" : f.b);
}

void print_report(const DiffReport& report) {
  print_fields("config", report.config);
  print_fields("tokenizer", report.tokenizer);
  print_fields("metadata", report.metadata);
  for (const TensorDifference& t : report.tensors) {
    fmt::print("{:<32} {:>7} | {:<7}", t.name, type_text(t.a), type_text(t.b));
    if (t.a && t.b && t.shape_a != t.shape_b)
      fmt::print(" shapes {} | {}", to_string(t.shape_a), to_string(t.shape_b));
    else if (t.a && t.b)
      fmt::print(" max abs {:.3g}, relative RMS {:.3g}", t.max_abs, t.relative_rms);
    fmt::print("\n");
  }
  if (report.same()) fmt::print("the same, {} tensors compared\n", report.tensors_compared);
}

Json fields_json(const std::vector<FieldDifference>& fields) {
  Json list = Json::array();
  for (const FieldDifference& f : fields)
    list.push_back({{"field", f.field},
                    {"a", f.a.empty() ? Json(nullptr) : Json(f.a)},
                    {"b", f.b.empty() ? Json(nullptr) : Json(f.b)}});
  return list;
}

void print_report_json(const DiffCommand& c, const DiffReport& report) {
  Json tensors = Json::array();
  for (const TensorDifference& t : report.tensors) {
    const auto side = [](const std::optional<DType>& type, const Shape& shape) {
      return type ? Json{{"type", name(*type)}, {"shape", shape.dims()}} : Json(nullptr);
    };
    const bool compared = t.a && t.b && t.shape_a == t.shape_b;
    tensors.push_back(
        {{"name", t.name},
         {"a", side(t.a, t.shape_a)},
         {"b", side(t.b, t.shape_b)},
         {"max_abs", compared ? Json(t.max_abs) : Json(nullptr)},
         {"relative_rms", compared && std::isfinite(t.relative_rms) ? Json(t.relative_rms) : Json(nullptr)}});
  }
  print_json({{"a", c.a},
              {"b", c.b},
              {"same", report.same()},
              {"config", fields_json(report.config)},
              {"tokenizer", fields_json(report.tokenizer)},
              {"metadata", fields_json(report.metadata)},
              {"tensors", tensors},
              {"tensors_compared", report.tensors_compared}});
}

Status run_diff(DiffCommand c, int& status) {
  DiffReport report;
  TRY_ASSIGN(const std::filesystem::path a, model_path(c.a));
  TRY_ASSIGN(const std::filesystem::path b, model_path(c.b));
  {
    Progress progress("comparing");
    c.options.progress = [&](double share) -> Status {
      if (interrupted()) return Error::cancelled("interrupted");
      progress.update(share);
      return {};
    };
    TRY_ASSIGN(report, diff(a, b, c.options));
  }
  if (c.json)
    print_report_json(c, report);
  else
    print_report(report);
  status = report.same() ? 0 : 1;
  return {};
}

}  // namespace

void add_diff(CLI::App& app, Action& chosen, int& status) {
  auto c = std::make_shared<DiffCommand>();
  CLI::App* command = app.add_subcommand("diff", "Compare two models: config, tokenizer, metadata, tensors");
  command->add_option("A", c->a, "GGUF file, Hugging Face directory, or ORG/NAME[:TYPE] on the Hub")->required();
  command->add_option("B", c->b, "the other, in whichever layout")->required();
  command->add_flag("--values", c->options.values_only, "only what is computed with: no types, no metadata");
  command->add_flag("--json", c->json, "print JSON");
  command->footer(
      "Exit status 0 when nothing differs, 1 when something does. A line shows A | B; errors are those of B's decoded\n"
      "values, relative to A's. Receipts are not compared.\n\n"
      "Examples:\n"
      "  adder diff model-bf16.gguf model-q4_k_m.gguf\n"
      "  adder diff hf-directory model.gguf --values\n"
      "  adder diff model.gguf org/name:q4_k_m\n"
      "  adder diff a.gguf b.gguf --json | jq '.tensors | length'");
  command->callback([c, &chosen, &status] { chosen = [c, &status] { return run_diff(*c, status); }; });
}

}  // namespace adder
