#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/eval_options.h"
#include "apps/json_output.h"
#include "make/eval/comparison_page.h"

namespace adder {
namespace {

struct CompareCommand : EvalCommand {
  std::string parent, html;
  std::vector<std::string> children;
  bool tensors = false;
};

uint64_t data_bytes(const BoundModel& model) {
  uint64_t bytes = 0;
  for (const BoundTensor& tensor : model.tensors) bytes += tensor.view.bytes();
  return bytes;
}

double bits_of(DType type) {
  return 8.0 * info(type).block_bytes / info(type).block_size;
}

/// Against predictions in a file, which bring their text along.
Status compare_with_file(CompareCommand& c, std::vector<ComparedChild>& compared) {
  if (!c.data.empty() || c.tensors)
    return Error::usage("{}: predictions without a model: --data and --tensors do not go with them", c.parent);
  TRY_ASSIGN(const BaseLogits parent, BaseLogits::open(c.parent));
  c.engine.context = std::max(c.engine.context, parent.window());
  for (const std::string& path : c.children) {
    TRY_ASSIGN(const OpenedEngine child, open_engine(path, c.engine));
    auto report = divergence(parent, *child.engine, c.eval);
    if (!report) return std::move(report).error().in(c.parent);
    compared.push_back({path, data_bytes(child.engine->model().bound()), *std::move(report)});
  }
  return {};
}

Status compare_with_model(CompareCommand& c, std::vector<ComparedChild>& compared) {
  if (c.data.empty()) return Error::usage("compare: --data is required");
  if (!c.html.empty()) c.engine.prefill_tokens = 64;  // the parent's inputs of a pass are kept
  TRY_ASSIGN(const OpenedEngine parent, open_engine(c.parent, c.engine));
  TRY_ASSIGN(const std::vector<TokenId> tokens, eval_tokens(c, parent.engine->tokenizer()));
  for (const std::string& path : c.children) {
    TRY_ASSIGN(const OpenedEngine child, open_engine(path, c.engine));
    std::optional<LayerDrift> drift;
    if (!c.html.empty()) drift.emplace(*parent.engine, *child.engine);
    TRY_ASSIGN(DivergenceReport report, divergence(*parent.engine, *child.engine, tokens, c.eval));
    const BoundModel& to = child.engine->model().bound();
    compared.push_back({path, data_bytes(to), std::move(report)});
    if (drift) compared.back().layers = drift->layers();
    for (const BoundTensor& tensor : to.tensors)
      if (tensor.spec.is_matrix) compared.back().bits.emplace_back(tensor.spec.gguf_name, bits_of(tensor.view.dtype));
    if (!c.tensors && c.html.empty()) continue;
    TRY_ASSIGN(DiffReport differences, diff(parent.path, child.path, {.values_only = true, .progress = {}}));
    std::erase_if(differences.tensors, [](const TensorDifference& t) { return t.shape_a != t.shape_b; });
    compared.back().tensors = std::move(differences.tensors);
  }
  return {};
}

Json to_json(const ComparedChild& child, bool with_tensors) {
  Json document = child.report.to_json();
  document["model"] = child.name;
  document["bytes"] = child.bytes;
  if (!with_tensors) return document;
  document["tensors"] = Json::array();
  for (const TensorDifference& tensor : child.tensors)
    document["tensors"].push_back({{"name", tensor.name},
                                   {"parent", name(*tensor.a)},
                                   {"child", name(*tensor.b)},
                                   {"bits_per_weight", bits_of(*tensor.b)},
                                   {"error", tensor.relative_rms},
                                   {"max_error", tensor.max_abs}});
  return document;
}

void print_text(const ComparedChild& child, bool with_tensors, bool with_name) {
  if (with_name) fmt::print("{}, {:.3f} MB of tensor data\n", child.name, static_cast<double>(child.bytes) / 1e6);
  fmt::print("{}", child.report.to_text());
  if (!with_tensors) return;
  fmt::print("\nrms error of each tensor that changed, of its own size\n");
  for (const TensorDifference& tensor : child.tensors)
    fmt::print("  {:<32} {:>6} -> {:<6} {:.3e}\n", tensor.name, name(*tensor.a), name(*tensor.b), tensor.relative_rms);
}

Status run_compare(CompareCommand c) {
  std::vector<ComparedChild> compared;
  {
    Progress progress("comparing");
    prepare(c, progress);
    TRY(BaseLogits::is_one(c.parent) ? compare_with_file(c, compared) : compare_with_model(c, compared));
  }
  if (!c.html.empty()) TRY(write_file(c.html, comparison_page(c.parent, compared)));
  const bool several = compared.size() > 1;
  if (!c.json) {
    for (const ComparedChild& child : compared) print_text(child, c.tensors, several);
    return {};
  }
  Json documents = Json::array();
  for (const ComparedChild& child : compared) documents.push_back(to_json(child, c.tensors));
  print_json(several ? Json{{"children", documents}} : documents.front());
  return {};
}

}  // namespace

void add_compare(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<CompareCommand>();
  CLI::App* command = app.add_subcommand("compare", "Measure how far a model has moved from its parent");
  command
      ->add_option("PARENT", c->parent,
                   "the model that is taken as the truth, or its predictions in a file of llama-perplexity or 'adder "
                   "perplexity --save-logits'")
      ->required();
  command->add_option("CHILD", c->children, "models made from it")->required()->expected(1, 1000);
  add_eval_options(*command, *c);
  command->add_flag("--tensors", c->tensors, "also print the error of every tensor");
  command->add_option("--html", c->html, "also write a page with charts: divergence by layer, bits by tensor, size")
      ->type_name("FILE");
  command->footer(
      "Perplexity of both, KL divergence, change of the true token's probability, how often both rank the same token\n"
      "first, and how often that is the true one.\n\n"
      "Examples:\n"
      "  adder compare model-f32.gguf model-q4_k_m.gguf --data book.txt --tensors\n"
      "  adder compare parent.gguf small.gguf smaller.gguf --data book.txt --windows 16 --html page.html\n"
      "  adder compare book.kld child.gguf --json");
  command->callback([c, &chosen] { chosen = [c] { return run_compare(*c); }; });
}

}  // namespace adder
