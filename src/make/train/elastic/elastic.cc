#include "make/train/elastic/elastic.h"

#include "core/arch/budget.h"
#include "core/arch/presets.h"
#include "core/base/atomic_file.h"
#include "make/train/data/library.h"
#include "make/train/distill/parent.h"
#include "make/train/elastic/outcome.h"
#include "make/train/export/export.h"
#include "make/train/loop/held_out.h"
#include "make/train/loop/memory_plan.h"
#include "make/train/loop/workbench.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

/// Every layer that may go, last first: what stands for a drop list before there is one.
std::vector<int> any_drop_list(const ModelConfig& c) {
  std::vector<int> list;
  for (auto i = static_cast<int>(c.n_layers()) - 1; i >= 0; --i) {
    if (c.layers[static_cast<size_t>(i)].kind != LayerKind::kAttention) list.push_back(i);
  }
  return list;
}

void say_plan(const ElasticRecipe& recipe, const SearchSpace& space) {
  fmt::print(stderr, "{}: {} parameters, layers {}\n", recipe.name, parameter_count(space.parent),
             space.parent.pattern());
  for (size_t i = 0; i < kRouterAxes; ++i) {
    const auto axis = static_cast<RouterAxis>(i);
    fmt::print(stderr, "  {:<16} {}\n", name(axis),
               axis == RouterAxis::kDepth ? fmt::format("drops 0 to {} layers", space.dropped.size())
                                          : fmt::format("{}{}", fmt::join(space.widths(axis), " "),
                                                        space.slots(axis) > 1 ? ", by layer" : ""));
  }
  fmt::print(stderr, "{}\n", to_text(plan_memory(recipe, space.parent, space.parent)));
}

/// The budgets between the parent and the smallest child there is.
Status check_budgets(const ElasticRecipe& recipe, const SearchSpace& space, const Cost& cost) {
  const double full = cost(sizes_of(space.parent)).item<double>();
  const double least = cost(sizes_of(space, one_hot(space, smallest(space), torch::kFloat64))).item<double>() / full;
  fmt::print(stderr, "  {}: the parent's {:.4g}; the smallest child {:.3f} of it, budgets {}\n", recipe.cost, full,
             least, fmt::join(recipe.fractions, " "));
  if (least <= recipe.fractions.back()) return {};
  return Error::usage("{}: the budget {} is {} of the parent, and the smallest child of these choices {:.3f}",
                      recipe.name, recipe.names.back(), recipe.fractions.back(), least);
}

Status judge(const Trainer& trainer, const Elastic& elastic, const ElasticRecipe& recipe, const HeldOutText& text,
             const Metrics& metrics, int threads) {
  if (text.stream->empty()) return {};
  for (size_t i = 0; i < recipe.names.size(); ++i) {
    const Decision decision = elastic.decide(trainer.weights(), static_cast<int64_t>(i));
    const ElasticChild child(elastic, decision);
    HeldOutLoss loss = held_out_loss(trainer, child, text, recipe.judge_windows, threads);
    loss.parameters = parameters_of(elastic.space(), decision);
    // The report's curve is the smallest child's.
    const bool is_last = i + 1 == recipe.names.size();
    TRY(tell(metrics, trainer, loss, recipe.names[i], is_last ? "held_out" : "held_out " + recipe.names[i]));
  }
  return {};
}

Status write_results(const ElasticOptions& options, const ElasticRecipe& recipe, const Parent& parent,
                     NestedRecord record, const Trainer& trainer, const Elastic& elastic) {
  const std::vector<BudgetOutcome> outcomes = outcomes_of(recipe, elastic, trainer.weights());
  record.sizes.clear();
  for (const BudgetOutcome& outcome : outcomes) {
    record.sizes.push_back({outcome.name, outcome.child});
    TRY(write_file(options.work / fmt::format("child.{}.json", outcome.name), to_json(outcome.child).dump(2) + "\n"));
    fmt::print(stderr, "{}\n", to_text(outcome));
  }
  TRY(write_file(options.work / "router.json", to_json(outcomes).dump(2) + "\n"));
  const std::string step = fmt::format("elastic {}: {} steps, {} tokens, seed {}", recipe.name, trainer.steps_done(),
                                       trainer.tokens_seen(), recipe.seed);
  const ExportNotes notes{.title = recipe.name, .steps = parent.steps_to(step), .nested = std::move(record)};
  TRY(export_model(trainer.params(), parent.tokenizer.data(), notes, options.type, options.out));
  fmt::print(stderr, "{}: written\n", options.out.string());
  return {};
}

Status train(const ElasticOptions& options, const ElasticRecipe& recipe, const Parent& parent,
             const NestedRecord& record, const SearchSpace& space, const Cost& cost, const std::atomic<bool>& stop) {
  TRY(make_directory(options.work));
  TRY(options.recipe.keep(options.work));
  TRY_ASSIGN(const Library library, read_library(options.data, recipe.held_out, parent.tokenizer, options.work));
  const TokenId bos = parent.tokenizer.data().bos;
  TRY_ASSIGN(Mixture text, library.mixture(recipe.weights, bos, recipe.seq_len, recipe.seed));
  const Workbench place = open_workbench(recipe.precision, recipe.micro_batch * recipe.seq_len,
                                         space.parent.hidden_size, space.parent.in_proj_rows());
  TRY_ASSIGN(Parameters frozen, parent.weights(place.device));
  TRY_ASSIGN(Parameters student, parent.weights(place.device));
  const ForwardOptions forward = place.forward(recipe);
  TRY_ASSIGN(Teacher teacher, Teacher::open(std::make_shared<const Parameters>(std::move(frozen)), recipe, forward,
                                            options.teacher_cache));
  Distillation distillation(std::move(teacher), recipe, forward);
  const torch::TensorOptions like_weights = torch::dtype(torch::kFloat32).device(place.device);
  const auto objective = std::make_shared<Elastic>(recipe, space, cost, std::move(distillation), like_weights);
  Weights weights{std::move(student), objective->router().initial_weights(like_weights), recipe.router_rate};
  Trainer trainer(recipe, std::move(weights), std::move(text), objective, options.team);
  if (const fs::path last = options.work / "last.ckpt"; fs::exists(last)) TRY(trainer.load(last));
  fmt::print(stderr, "{} tokens to train on, {} held out; {}\n", library.train_tokens(), library.held_out.size(),
             trainer.steps_done() > 0 ? fmt::format("resuming at step {}", trainer.steps_done()) : "starting");
  if (!is_complete(trainer)) {
    const HeldOutText held_out{&library.held_out, library.held_out_bytes, bos};
    const Judge judged = [&](const Metrics& metrics, int threads) {
      return judge(trainer, *objective, recipe, held_out, metrics, threads);
    };
    TRY(run(trainer, options, judged, stop));
  }
  const bool writes = is_complete(trainer) && options.team->leads();
  return writes ? write_results(options, recipe, parent, record, trainer, *objective) : Status();
}

}  // namespace

Status elastic(const ElasticOptions& options, const std::atomic<bool>& stop) {
  TRY_ASSIGN(const auto recipe, read_recipe_as<ElasticRecipe>(options.recipe));
  if (options.parent.empty()) {
    const auto preset = find_preset(recipe.preset);
    if (!options.dry_run || !preset) return Error::usage("--parent is missing");
    TRY_ASSIGN(const SearchSpace space, search_space(recipe, *preset, any_drop_list(*preset)));
    TRY_ASSIGN(const Cost cost, cost_of(recipe, *preset, options.recipe.path.parent_path()));
    say_plan(recipe, space);
    return check_budgets(recipe, space, cost);
  }
  TRY_ASSIGN(const Parent parent, Parent::open(options.parent));
  TRY_ASSIGN(const NestedRecord record, nested_order(parent));
  TRY_ASSIGN(const SearchSpace space, search_space(recipe, parent.config(), record.drop_list));
  TRY_ASSIGN(const Cost cost, cost_of(recipe, parent.config(), options.recipe.path.parent_path()));
  say_plan(recipe, space);
  TRY(check_budgets(recipe, space, cost));
  if (options.dry_run) return {};
  return train(options, recipe, parent, record, space, cost, stop);
}

}  // namespace adder
