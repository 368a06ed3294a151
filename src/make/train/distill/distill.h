#pragma once

#include "make/train/base/torch.h"

#include <atomic>
#include <filesystem>
#include <vector>

#include "make/quantize/mix.h"
#include "make/train/distill/teacher.h"
#include "make/train/loop/recipe.h"
#include "make/train/loop/run.h"

namespace adder {

/// The recipe of adder-train distill: two stages, short windows and then long ones, after a correction of the teacher
/// if one is asked for.
struct DistillRecipe : RunRecipe, TeacherRecipe {
  /// [data] Shares of the samples, one for each --data folder; none: by their tokens.
  std::vector<double> weights;

  // [student]
  std::string init;     ///< "file": the weights of the student's file; "random": its shape alone
  double init_std = 0;  ///< of a random start

  /// [teacher] Steps of training on the text before it teaches, at a rate of its own; 0: as it is.
  int64_t correction_steps = 0;
  double correction_rate = 0;  ///< as a fraction of this recipe's rates

  // [second_stage], with optimizer and schedule of the first; total_steps 0: none
  int64_t long_seq_len = 0, long_batch = 0, long_micro_batch = 0, long_warmup_steps = 0, long_total_steps = 0;
  double long_rate = 0;  ///< as a fraction of the first stage's rates

  template <class Self, class Visitor>
  static void visit(Self& r, Visitor&& v) {
    RunRecipe::visit(r, v);
    TeacherRecipe::visit(r, v);
    v("data", "weights", r.weights);
    v("student", "init", r.init);
    v("student", "init_std", r.init_std);
    v("teacher", "correction_steps", r.correction_steps);
    v("teacher", "correction_rate", r.correction_rate);
    v("second_stage", "seq_len", r.long_seq_len);
    v("second_stage", "batch", r.long_batch);
    v("second_stage", "micro_batch", r.long_micro_batch);
    v("second_stage", "warmup_steps", r.long_warmup_steps);
    v("second_stage", "total_steps", r.long_total_steps);
    v("second_stage", "rate", r.long_rate);
  }
};
void check(const DistillRecipe& recipe, RecipeReader& reader);

/// What each part of the run is trained by.
RunRecipe correction_of(const DistillRecipe& recipe);
RunRecipe second_stage_of(const DistillRecipe& recipe);

struct DistillOptions : RunOptions {  ///< work has a folder for each part: teacher, stage-1, stage-2
  RecipeFile recipe;
  std::filesystem::path teacher, student;
  std::vector<std::filesystem::path> data;
  std::filesystem::path teacher_cache;  ///< a folder for what the teacher says (teacher_cache.h); empty: none
  std::filesystem::path out;            ///< the trained student, GGUF or a Hugging Face directory
  Mix type = Mix::kF32;
  bool dry_run = false;  ///< check everything, print the plan of memory, train nothing
};

/// Goes on where `work` stopped; writes `out` when the last stage is done.
Status distill(const DistillOptions& options, const std::atomic<bool>& stop);

}  // namespace adder
