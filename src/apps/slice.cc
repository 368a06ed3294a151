#include "make/compress/slice.h"

#include <memory>

#include "apps/commands.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/model_path.h"
#include "apps/progress.h"
#include "apps/slice_request.h"
#include "core/base/byte_size.h"
#include "core/nest/nested_file.h"
#include "make/convert/output_types.h"

namespace adder {
namespace {

struct SliceCommand {
  std::string input, output, type, split;
  SliceRequest request;
  bool dry_run = false, json = false;
};

std::string widths_text(const ChildShape& child, const ModelConfig& parent) {
  std::string d_ff = fmt::format("{}", fmt::join(child.d_ff, "/"));
  return fmt::format("d_model {}, d_ff {}, mamba_heads {}, mamba_head_dim {}, attention_heads {}, {} of {} layers",
                     child.d_model, d_ff, child.mamba_heads, child.mamba_head_dim, child.attention_heads,
                     parent.n_layers() - std::ssize(child.dropped_layers), parent.n_layers());
}

void print_plan(const SlicePlan& plan, const ChosenChild& chosen, const ModelConfig& parent) {
  const auto line = [](const char* who, const WeightCount& count) {
    fmt::print("{:<7} {:>14} parameters {:>10}", who, count.parameters,
               byte_size_text(static_cast<int64_t>(count.bytes)));
  };
  line("parent", plan.parent);
  fmt::print("   {}\n", parent.pattern());
  line("child", plan.child);
  fmt::print("   {}   {:.2f} % of the parameters\n", plan.config.pattern(),
             100 * static_cast<double>(plan.child.parameters) / static_cast<double>(plan.parent.parameters));
  for (const WeightCount::OfType& type : plan.child.by_type)
    fmt::print("{:>7} {:>14} parameters {:>14} bytes\n", name(type.type), type.parameters, type.bytes);
  fmt::print("{}\n", widths_text(chosen.child, parent));
  if (!chosen.child.dropped_layers.empty())
    fmt::print("without layers {}\n", fmt::join(chosen.child.dropped_layers, ", "));
}

Json count_json(const WeightCount& count) {
  Json types = Json::array();
  for (const WeightCount::OfType& type : count.by_type)
    types.push_back({{"type", name(type.type)}, {"parameters", type.parameters}, {"bytes", type.bytes}});
  return {{"parameters", count.parameters}, {"bytes", count.bytes}, {"types", types}};
}

void print_plan_json(const SliceCommand& c, const SlicePlan& plan, const ChosenChild& chosen,
                     const std::vector<std::filesystem::path>& outputs) {
  Json files = Json::array();
  for (const auto& path : outputs) files.push_back(path.string());
  print_json({{"in", c.input},
              {"out", files},
              {"shape", to_json(chosen.child)},
              {"pattern", plan.config.pattern()},
              {"order", chosen.order.scores.empty() ? Json(nullptr) : Json(chosen.order.scores)},
              {"parent", count_json(plan.parent)},
              {"child", count_json(plan.child)},
              {"share", static_cast<double>(plan.child.parameters) / static_cast<double>(plan.parent.parameters)}});
}

Status run_slice(const SliceCommand& c) {
  if (c.output.empty() && !c.dry_run) return Error::usage("slice: OUT is required, unless --dry-run");
  SliceOptions options;
  if (!c.type.empty()) options.type = dtype_from_name(c.type);
  if (!c.split.empty()) {
    TRY_ASSIGN(const int64_t bytes, parse_byte_size(c.split));
    options.split_bytes = static_cast<uint64_t>(bytes);
  }
  TRY_ASSIGN(const std::filesystem::path input, model_path(c.input));
  TRY_ASSIGN(ModelFile file, ModelFile::open(input));
  TRY_ASSIGN(const BoundModel parent, bind_whole(std::make_shared<const ModelFile>(std::move(file))));
  TRY_ASSIGN(const ChosenChild chosen, choose_child(c.request, parent));
  const Layout layout = !c.output.empty()     ? layout_of(c.output)
                        : parent.file->gguf() ? Layout::kGguf
                                              : Layout::kHuggingFace;
  TRY_ASSIGN(const SlicePlan plan, plan_slice(parent, chosen.child, chosen.order, chosen.record, layout, options));
  std::vector<std::filesystem::path> outputs;
  if (!c.dry_run) {
    Progress progress("slicing");
    options.progress = [&](double done) -> Status {
      if (interrupted()) return Error::cancelled("interrupted; nothing was written");
      progress.update(done);
      return {};
    };
    TRY_ASSIGN(outputs, slice(parent, plan, c.output, chosen.recipe, options));
  }
  if (c.json) {
    print_plan_json(c, plan, chosen, outputs);
    return {};
  }
  print_plan(plan, chosen, parent.config);
  for (const auto& path : outputs) fmt::print("{}\n", path.string());
  return {};
}

}  // namespace

void add_slice(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<SliceCommand>();
  CLI::App* command = app.add_subcommand("slice", "Cut a smaller model out of a model, by importance");
  command->add_option("IN", c->input, "GGUF file, Hugging Face directory, or ORG/NAME[:TYPE] on the Hub")->required();
  command->add_option("OUT", c->output, "NAME.gguf, or else a directory");
  add_slice_request_options(*command, c->request);
  command->add_option("--type", c->type, "f32, f16 or bf16 for all matrices (default: as they are)")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}, CLI::ignore_case))
      ->type_name("TYPE");
  command->add_option("--split", c->split, "write several GGUF files of at most this much data each, 4GB say")
      ->type_name("SIZE");
  command->add_flag("--dry-run", c->dry_run, "count parameters and bytes, write nothing");
  command->add_flag("--json", c->json, "print JSON; \"shape\" is what --child reads");
  command->footer(
      "A child keeps the best parts of its parent on every axis; a parent in nested order has them in front, and then\n"
      "needs no scores. docs/shrinking.md has the whole way.\n\n"
      "Examples:\n"
      "  adder slice parent.gguf child.gguf --scores scores.json --budget 45%\n"
      "  adder slice parent.gguf --scores scores.json --d-model 3136 --d-ff 12544 --mamba-heads 96 --layers 42 "
      "--dry-run\n"
      "  adder slice parent.gguf nested-hf --scores scores.json --order\n"
      "  adder slice trained-hf child.gguf --child child.json\n"
      "  adder slice parent.gguf shallow.gguf --scores scores.json --budget 45% --depth-only");
  command->callback([c, &chosen] { chosen = [c] { return run_slice(*c); }; });
}

}  // namespace adder
