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
/// In the last third of the run, under the narrower dead zone, the child is not drawn: it is the one that would be cut
/// now (`decide`), and the router has its gradient straight through. Otherwise the weights would be cut to a child that
/// they were never trained as, however sure the router is: its first choice may cost a little more than the budget.
class Elastic : public Objective {
 public:
  /// The router's schedules and the dead zone run over the recipe's total_steps.
  Elastic(const ElasticRecipe& recipe, const SearchSpace& space, Cost cost, Distillation distillation,
          torch::TensorOptions options);

  HeadLoss loss(const Weights& weights, const MicroBatch& micro) const override;
  /// The router's temperature, and what share of the cost its likeliest child would have for every budget.
  std::string remark(const Weights& weights, int64_t step) const override;

  /// The budget of a micro-batch, a function of seed and number alone.
  int64_t draw_budget(int64_t micro) const;
  /// The child that the router would have now, within its budget (fit.h), as `adder slice` makes it.
  Decision decide(const Weights& weights, int64_t budget) const;
  double fraction_of(const Decision& decision) const;  ///< of the parent's cost
  Masks masks_of(const Decision& decision) const;
  bool is_settled(int64_t step) const { return step * 3 >= recipe_.total_steps * 2; }  ///< the last third
  const Distillation& distillation() const { return distillation_; }

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

/// A budget's child, as it is judged: router and noise aside.
class ElasticChild : public Objective {
 public:
  ElasticChild(const Elastic& elastic, const Decision& decision)
      : distillation_(elastic.distillation()), masks_(elastic.masks_of(decision)) {}
  HeadLoss loss(const Weights& weights, const MicroBatch& micro) const override {
    return distillation_.masked_loss(weights.model, &masks_, micro);
  }

 private:
  const Distillation& distillation_;
  Masks masks_;
};

}  // namespace adder
