#pragma once

#include <memory>

#include "make/train/loop/objective.h"
#include "make/train/loop/recipe_reader.h"

namespace adder {

/// How a student is drawn to its teacher: [teacher] of a recipe.
struct TeacherRecipe {
  double kd = 0, ce = 0;  ///< shares of forward KL from the teacher and of the text's own likelihood
  double temperature = 0;

  template <class Self, class Visitor>
  static void visit(Self& r, Visitor&& v) {
    v("teacher", "kd", r.kd);
    v("teacher", "ce", r.ce);
    v("teacher", "temperature", r.temperature);
  }
};
void check(const TeacherRecipe& recipe, RecipeReader& reader);

/// A frozen model that says what it would have said (arXiv 2407.14679): kd T^2 KL(teacher || student) + ce CE, the
/// teacher on the same tokens. The student's part may be masked.
class Distillation : public Objective {
 public:
  Distillation(std::shared_ptr<const Parameters> teacher, const TeacherRecipe& recipe, ForwardOptions forward);

  HeadLoss loss(const Weights& weights, const MicroBatch& micro) const override;
  HeadLoss masked_loss(const Parameters& student, const Masks* masks, const MicroBatch& micro) const;

 private:
  std::shared_ptr<const Parameters> teacher_;
  HeadLossOptions loss_;
  ForwardOptions forward_;
};

}  // namespace adder
