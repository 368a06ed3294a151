#include "make/train/distill/teacher.h"

namespace adder {

void check(const TeacherRecipe& r, RecipeReader& reader) {
  reader.demand(r.kd + r.ce > 0, "teacher.kd and teacher.ce are both 0");
  reader.demand(r.temperature > 0, "teacher.temperature is 0");
}

Distillation::Distillation(std::shared_ptr<const Parameters> teacher, const TeacherRecipe& recipe,
                           ForwardOptions forward)
    : teacher_(std::move(teacher)),
      loss_{recipe.kd, recipe.ce, recipe.temperature, forward.precision},
      forward_(forward) {}

HeadLoss Distillation::loss(const Weights& weights, const MicroBatch& micro) const {
  return masked_loss(weights.model, nullptr, micro);
}

HeadLoss Distillation::masked_loss(const Parameters& student, const Masks* masks, const MicroBatch& micro) const {
  TeacherRows rows;
  // A teacher whose word does not count is heard only when the student is judged.
  if (loss_.kd > 0 || !c10::GradMode::is_enabled()) {
    torch::NoGradGuard no_grad;
    rows.hidden = hidden_states(*teacher_, micro.tokens, micro.starts, forward_);
    rows.head = head(*teacher_);
  }
  ForwardOptions forward = forward_;
  forward.masks = masks;
  const torch::Tensor hidden = hidden_states(student, micro.tokens, micro.starts, forward);
  return head_loss(hidden, head(student), micro.targets, rows, loss_);
}

}  // namespace adder
