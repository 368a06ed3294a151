#pragma once

#include <memory>

#include "make/train/distill/teacher.h"
#include "make/train/elastic/recipe.h"

namespace adder {

/// |cost / (fraction full) - 1|, nothing inside the dead zone; for the whole parent (fraction 1), which has no dead
/// zone, plus 10 sum over axes of the mean square between the weights and one-hot at the parent's own size.
torch::Tensor budget_penalty(const torch::Tensor& cost, double full, double fraction, double dead_zone,
                             const ChoiceWeights& weights);

/// Weights and router trained together: a micro-batch draws a budget, the router a child for it, the child is drawn to
/// the teacher, and a cost beside the budget costs lambda a token:
///     kd T^2 KL(teacher || masked model) + ce CE + lambda penalty
class Elastic : public Objective {
 public:
  /// The router's schedules and the dead zone run over the recipe's total_steps.
  Elastic(const ElasticRecipe& recipe, const SearchSpace& space, Cost cost, Distillation distillation,
          torch::TensorOptions options);

  HeadLoss loss(const Weights& weights, const MicroBatch& micro) const override;
  std::string remark(const Weights& weights, int64_t step) const override;

  /// The budget of a micro-batch, a function of seed and number alone.
  int64_t draw_budget(int64_t micro) const;
  /// What the router would have now, as `adder slice` makes it.
  Decision decide(const Weights& weights, int64_t budget) const;
  double fraction_of(const Decision& decision) const;  ///< of the parent's cost
  /// The decided child's loss, router and noise aside.
  HeadLoss child_loss(const Weights& weights, int64_t budget, const MicroBatch& micro) const;

  const Router& router() const { return router_; }
  const SearchSpace& space() const { return prefixes_.space(); }

 private:
  ElasticRecipe recipe_;
  Prefixes prefixes_;
  Router router_;
  Cost cost_;
  double full_;
  Distillation distillation_;
  torch::TensorOptions options_;
};

/// A budget's child, as it is judged.
class ElasticChild : public Objective {
 public:
  ElasticChild(const Elastic& elastic, int64_t budget) : elastic_(elastic), budget_(budget) {}
  HeadLoss loss(const Weights& weights, const MicroBatch& micro) const override {
    return elastic_.child_loss(weights, budget_, micro);
  }

 private:
  const Elastic& elastic_;
  int64_t budget_;
};

}  // namespace adder
