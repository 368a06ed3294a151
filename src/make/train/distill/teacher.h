#pragma once

#include <filesystem>
#include <memory>

#include "make/train/distill/teacher_cache.h"
#include "make/train/loop/objective.h"
#include "make/train/loop/recipe_reader.h"

namespace adder {

/// How a student is drawn to its teacher: [teacher] of a recipe.
struct TeacherRecipe {
  double kd = 0, ce = 0;  ///< shares of forward KL from the teacher and of the text's own likelihood
  double temperature = 0;
  int64_t top_k =
      0;  ///< the teacher's likeliest tokens that count one by one, all others as one; 0: every token counts

  template <class Self, class Visitor>
  static void visit(Self& r, Visitor&& v) {
    v("teacher", "kd", r.kd);
    v("teacher", "ce", r.ce);
    v("teacher", "temperature", r.temperature);
    v("teacher", "top_k", r.top_k);
  }
};
void check(const TeacherRecipe& recipe, RecipeReader& reader);

/// A frozen model, and what it says of text.
class Teacher {
 public:
  /// `cache`: a folder for what it has said (teacher_cache.h), or empty. With or without it, the same is said.
  /// kUsage for a top_k above the vocabulary.
  static Result<Teacher> open(std::shared_ptr<const Parameters> params, const TeacherRecipe& recipe,
                              ForwardOptions forward, const std::filesystem::path& cache = {});

  /// All it would say: what a student is judged by, or learns from where the recipe's top_k is 0.
  TeacherRows all(const MicroBatch& micro) const { return top_k_ == 0 ? taught(micro) : rows_of(hidden(micro)); }
  /// What a student learns from.
  TeacherRows taught(const MicroBatch& micro) const;

 private:
  Teacher() = default;
  torch::Tensor hidden(const MicroBatch& micro) const;
  TeacherRows rows_of(const torch::Tensor& hidden) const;
  TeacherRows say(const MicroBatch& micro) const;  // what is taught, anew
  std::vector<torch::Tensor> space_for(int64_t rows) const;
  TeacherRows remembered(const std::vector<torch::Tensor>& kept, torch::Device device) const;

  std::shared_ptr<const Parameters> params_;
  ForwardOptions forward_;
  int64_t top_k_ = 0;
  double temperature_ = 1;
  std::shared_ptr<TeacherCache> cache_;
};

/// Distillation from a frozen model (arXiv 2407.14679): kd T^2 KL(teacher || student) + ce CE, the teacher on the same
/// tokens. The student's part may be masked.
class Distillation : public Objective {
 public:
  Distillation(Teacher teacher, const TeacherRecipe& recipe, ForwardOptions forward);

  HeadLoss loss(const Weights& weights, const MicroBatch& micro) const override;
  HeadLoss masked_loss(const Parameters& student, const Masks* masks, const MicroBatch& micro) const;

 private:
  Teacher teacher_;
  HeadLossOptions loss_;
  ForwardOptions forward_;
};

}  // namespace adder
