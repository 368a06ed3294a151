#include "run/engine/plan.h"

#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/json_output.h"
#include "apps/model_path.h"
#include "core/base/byte_size.h"
#include "core/base/memory.h"
#include "core/nest/nested_file.h"

namespace adder {
namespace {

struct PlanOptions {
  std::string model;
  EngineOptions engine;
  bool json = false;
};

void print_table(const std::filesystem::path& path, const EngineOptions& o, const MemoryPlan& plan, int64_t available) {
  const auto row = [](std::string_view label, int64_t bytes, std::string_view note = "") {
    fmt::print("  {:<22} {:>12}{}{}\n", label, byte_size_text(bytes), note.empty() ? "" : "   ", note);
  };
  fmt::print("{}, {} sequence{} of {} tokens, keys and values in {}, states in {}\n", path.string(), o.sequences,
             o.sequences == 1 ? "" : "s", o.context, name(o.kv_type), name(o.state_type));
  row("weights", plan.weights, "packed or copied; mapped where memory is short");
  row("unpacked vectors", plan.vectors);
  row("keys and values", plan.kv);
  row("recurrent state", plan.recurrent);
  row("chunk log", plan.log);
  row("snapshots", plan.snapshots);
  row("activations", plan.activations);
  row("vocabulary", plan.text, "estimate");
  row("program", plan.process, "estimate");
  row("total", plan.total());
  if (available == 0) return;
  fmt::print("\n{} in {} {}: {}\n", plan.total() <= available ? "Fits" : "Does not fit", byte_size_text(available),
             o.memory > 0 ? "given" : "available here",
             plan.total() <= available ? byte_size_text(available - plan.total()) + " to spare"
                                       : byte_size_text(plan.total() - available) + " too much");
}

Json to_json(const std::filesystem::path& path, const EngineOptions& o, const MemoryPlan& plan, int64_t available) {
  return {{"model", path.string()},
          {"context", o.context},
          {"sequences", o.sequences},
          {"kv_type", name(o.kv_type)},
          {"state_type", name(o.state_type)},
          {"weights_bytes", plan.weights},
          {"vectors_bytes", plan.vectors},
          {"kv_bytes", plan.kv},
          {"recurrent_bytes", plan.recurrent},
          {"log_bytes", plan.log},
          {"snapshot_bytes", plan.snapshots},
          {"activations_bytes", plan.activations},
          {"text_bytes", plan.text},
          {"process_bytes", plan.process},
          {"total_bytes", plan.total()},
          {"memory_bytes", available > 0 ? Json(available) : Json(nullptr)},
          {"memory_is", o.memory > 0 ? "given" : "available"},
          {"fits", available > 0 ? Json(plan.total() <= available) : Json(nullptr)}};
}

Status plan(const PlanOptions& o) {
  TRY_ASSIGN(const std::filesystem::path path, model_path(o.model));
  TRY_ASSIGN(ModelFile file, ModelFile::open(path));
  TRY_ASSIGN(const BoundModel model,
             bind_size(std::make_shared<const ModelFile>(std::move(file)), o.engine.size, Join::kShapesOnly));
  TRY_ASSIGN(const MemoryPlan plan, plan_memory(model, o.engine));
  const int64_t available = o.engine.memory > 0 ? o.engine.memory : available_memory();
  if (o.json) {
    print_json(to_json(path, o.engine, plan, available));
  } else {
    print_table(path, o.engine, plan, available);
  }
  return {};
}

}  // namespace

void add_plan(CLI::App& app, Action& chosen) {
  auto o = std::make_shared<PlanOptions>();
  CLI::App* command = app.add_subcommand("plan", "Say what memory a model will take, before it is loaded");
  add_model_argument(*command, o->model);
  add_context_option(*command, o->engine.context);
  command->add_option("--sequences", o->engine.sequences, "sequences held at a time")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  add_memory_option(*command, o->engine.memory,
                    "the memory it must fit in, like 2GiB or 500MB (default: what is available here)");
  add_team_options(*command, o->engine);
  add_nested_size_option(*command, o->engine.size);
  command->add_flag("--json", o->json, "print JSON, in bytes");
  command->footer(
      "Counts what one process takes when every sequence is as long as the context. Only metadata is read.\n\n"
      "Examples:\n"
      "  adder plan model.gguf --context 32768\n"
      "  adder plan model.gguf --context 4096 --sequences 8 --memory 4GiB\n"
      "  adder plan --json | jq .total_bytes");
  command->callback([o, &chosen] { chosen = [o] { return plan(*o); }; });
}

}  // namespace adder
