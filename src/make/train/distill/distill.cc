#include "make/train/distill/distill.h"

#include "core/arch/budget.h"
#include "core/base/atomic_file.h"
#include "make/train/data/library.h"
#include "make/train/distill/parent.h"
#include "make/train/export/export.h"
#include "make/train/loop/held_out.h"
#include "make/train/loop/memory_plan.h"
#include "make/train/loop/workbench.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

/// Everything that the parts of a run share.
struct Bench {
  const DistillOptions& options;
  const DistillRecipe& recipe;
  const Tokenizer& tokenizer;
  const Library& library;
  Workbench place;

  ForwardOptions forward() const { return place.forward(recipe); }
};

Status check_student(const Parent& teacher, const Parent& student, const fs::path& path) {
  if (student.config().vocab_size != teacher.config().vocab_size ||
      student.tokenizer.data().tokens != teacher.tokenizer.data().tokens) {
    return Error::usage("{}: has other tokens than its teacher", path.string());
  }
  return {};
}

Status judge(const Trainer& trainer, const Objective& objective, const Bench& bench, const Metrics& metrics,
             int threads) {
  if (bench.library.held_out.empty()) return {};
  const HeldOutText text{&bench.library.held_out, bench.library.held_out_bytes, bench.tokenizer.data().bos};
  return tell(metrics, trainer, held_out_loss(trainer, objective, text, bench.recipe.judge_windows, threads));
}

/// One part of the run, in a folder of its own. Where it has no checkpoint it begins with `weights`, or with the end of
/// the part `before`. Returns its trainer, stopped or at its end.
Result<Trainer> run_part(const Bench& bench, const RunRecipe& recipe, Weights weights,
                         std::shared_ptr<const Objective> objective, const std::string& name, const fs::path& before,
                         const std::atomic<bool>& stop) {
  RunOptions options = bench.options;
  options.work /= name;
  TRY(make_directory(options.work));
  TRY_ASSIGN(Mixture text,
             bench.library.mixture(bench.recipe.weights, bench.tokenizer.data().bos, recipe.seq_len, recipe.seed));
  Trainer trainer(recipe, std::move(weights), std::move(text), std::move(objective), options.team);
  if (const fs::path last = options.work / "last.ckpt"; fs::exists(last)) {
    TRY(trainer.load(last));
  } else if (!before.empty()) {
    TRY(trainer.load(before));
    trainer.begin_stage();
  }
  if (is_complete(trainer)) return trainer;
  fmt::print(stderr, "{}, {}: {} tokens to train on, windows of {}; {}\n", recipe.name, name,
             bench.library.train_tokens(), recipe.seq_len,
             trainer.steps_done() > 0 ? fmt::format("resuming at step {}", trainer.steps_done()) : "starting");
  const Judge judged = [&](const Metrics& metrics, int threads) {
    return judge(trainer, trainer.objective(), bench, metrics, threads);
  };
  TRY(run(trainer, options, judged, stop));
  return trainer;
}

/// The teacher, after its correction if there is one; nothing if that was stopped.
Result<std::shared_ptr<const Parameters>> teacher_of(const Bench& bench, const Parent& parent,
                                                     const std::atomic<bool>& stop) {
  TRY_ASSIGN(Parameters params, parent.weights(bench.place.device));
  if (bench.recipe.correction_steps == 0) return std::make_shared<const Parameters>(std::move(params));
  auto part = run_part(bench, correction_of(bench.recipe), {std::move(params), {}},
                       std::make_shared<CrossEntropy>(bench.forward()), "teacher", {}, stop);
  if (!part) return std::move(part).error();
  if (!is_complete(*part)) return std::shared_ptr<const Parameters>();
  return std::make_shared<const Parameters>(std::move(part->params()));
}

std::string training_step(const Bench& bench, const Trainer& last) {
  return fmt::format("distill {}: {} steps of windows of {}, KD {} CE {} T {}", bench.recipe.name, last.steps_done(),
                     last.recipe().seq_len, bench.recipe.kd, bench.recipe.ce, bench.recipe.temperature);
}

Status train_student(const Bench& bench, const Parent& teacher_file, const Parent& student_file,
                     const std::atomic<bool>& stop) {
  const DistillRecipe& recipe = bench.recipe;
  TRY_ASSIGN(const auto params, teacher_of(bench, teacher_file, stop));
  if (!params) return {};
  TRY_ASSIGN(Teacher teacher, Teacher::open(params, recipe, bench.forward(), bench.options.teacher_cache));
  Weights weights{Parameters(student_file.config(), torch::dtype(torch::kFloat32).device(bench.place.device)), {}};
  if (recipe.init == "random") {
    weights.model.initialise(recipe.seed, recipe.init_std);
  } else {
    TRY_ASSIGN(weights.model, student_file.weights(bench.place.device));
  }
  const auto objective = std::make_shared<Distillation>(std::move(teacher), recipe, bench.forward());
  const fs::path first_end = bench.options.work / "stage-1" / "last.ckpt";
  auto trainer = run_part(bench, recipe, std::move(weights), objective, "stage-1", {}, stop);
  if (!trainer) return std::move(trainer).error();
  if (is_complete(*trainer) && recipe.long_total_steps > 0) {
    trainer =
        run_part(bench, second_stage_of(recipe), std::move(trainer->weights()), objective, "stage-2", first_end, stop);
    if (!trainer) return std::move(trainer).error();
  }
  if (!is_complete(*trainer) || !bench.options.team->leads()) return {};
  ExportNotes notes{.title = recipe.name, .steps = {{training_step(bench, *trainer), ""}}};
  if (recipe.init == "file") notes.steps = student_file.steps_to(training_step(bench, *trainer));
  TRY(export_model(trainer->params(), bench.tokenizer.data(), notes, bench.options.type, bench.options.out));
  fmt::print(stderr, "{}: written\n", bench.options.out.string());
  return {};
}

}  // namespace

void check(const DistillRecipe& r, RecipeReader& reader) {
  check(static_cast<const RunRecipe&>(r), reader);
  check(static_cast<const TeacherRecipe&>(r), reader);
  reader.demand(r.init == "file" || r.init == "random", "student.init is not file or random");
  reader.demand(r.init != "random" || r.init_std > 0, "student.init_std of a random start is 0");
  reader.demand(r.total_steps > 0, "schedule.total_steps is 0");
  reader.demand(r.correction_steps == 0 || r.correction_rate > 0, "teacher.correction_rate is 0");
  double sum = 0;
  for (const double weight : r.weights) sum += weight;
  reader.demand(r.weights.empty() || sum > 0, "data.weights are all 0");
  if (r.long_total_steps > 0) check(second_stage_of(r), reader);
}

RunRecipe correction_of(const DistillRecipe& r) {
  RunRecipe correction = r;
  correction.name += ", correction of the teacher";
  correction.learning_rate *= r.correction_rate;
  correction.matrix_rate *= r.correction_rate;
  correction.warmup_steps = std::min(r.warmup_steps, r.correction_steps / 2);
  correction.total_steps = r.correction_steps;
  correction.first_sample = 0;
  correction.judge_at.clear();
  return correction;
}

RunRecipe second_stage_of(const DistillRecipe& r) {
  RunRecipe stage = r;
  stage.seq_len = r.long_seq_len;
  stage.batch = r.long_batch;
  stage.micro_batch = r.long_micro_batch;
  stage.warmup_steps = r.long_warmup_steps;
  stage.total_steps = r.long_total_steps;
  stage.first_sample = 0;  // samples are longer now, and others
  stage.judge_at = {0, r.long_total_steps};
  stage.learning_rate *= r.long_rate;
  stage.matrix_rate *= r.long_rate;
  return stage;
}

Status distill(const DistillOptions& options, const std::atomic<bool>& stop) {
  TRY_ASSIGN(const auto recipe, read_recipe_as<DistillRecipe>(options.recipe));
  TRY_ASSIGN(const Parent teacher, Parent::open(options.teacher));
  TRY_ASSIGN(const Parent student, Parent::open(options.student));
  TRY(check_student(teacher, student, options.student));
  fmt::print(stderr, "teacher {} of {} parameters, student {} of {}\n", teacher.config().pattern(),
             parameter_count(teacher.config()), student.config().pattern(), parameter_count(student.config()));
  fmt::print(stderr, "stage 1: {}\n", to_text(plan_memory(recipe, student.config(), teacher.config())));
  if (recipe.long_total_steps > 0) {
    const MemoryPlan plan = plan_memory(second_stage_of(recipe), student.config(), teacher.config());
    fmt::print(stderr, "stage 2: {}\n", to_text(plan));
  }
  if (options.dry_run) return {};
  TRY(make_directory(options.work));
  TRY(options.recipe.keep(options.work));
  TRY_ASSIGN(const Library library, read_library(options.data, recipe.held_out, student.tokenizer, options.work));
  const int64_t ffn = std::max<int64_t>(student.config().d_inner(), student.config().hidden_size);
  const Workbench place =
      open_workbench(recipe.precision, recipe.micro_batch * recipe.seq_len, student.config().hidden_size, ffn);
  return train_student({options, recipe, student.tokenizer, library, place}, teacher, student, stop);
}

}  // namespace adder
