#pragma once

#include "make/train/base/torch.h"

#include <vector>

#include "make/train/loop/objective.h"
#include "make/train/loop/recipe.h"

namespace adder {

/// AdamW (arXiv 1711.05101); under recipe.optimizer == "muon", the matrices of the layers take Muon steps instead
/// (momentum, orthogonalised by Newton-Schulz iterations; update scaled by 0.2 sqrt(max(rows, columns)) to AdamW's
/// size, arXiv 2502.16982). Weight decay applies to the matrices but not to the embedding; norms, convolution, A_log,
/// D and dt_bias are exempt, and so is what is trained beside the model, at a rate of its own.
class Optimizer {
 public:
  Optimizer(const RunRecipe& recipe, const Weights& weights);

  /// One update of `weights` from `grads` (same order), with the peak rates times `scale`. Tensors are independent;
  /// `threads` of them are updated side by side.
  void step(Weights& weights, const std::vector<torch::Tensor>& grads, double scale, int threads);

  /// Everything a continued run needs, by name.
  std::vector<std::pair<std::string, torch::Tensor*>> state();
  int64_t& steps_taken() { return steps_taken_; }

 private:
  enum class Kind { kAdamW, kMuon };
  struct Slot {
    Kind kind;
    bool decays;
    double rate;                       // peak
    torch::Tensor momentum, variance;  // variance of AdamW only
  };
  void update(torch::Tensor& value, const torch::Tensor& grad, Slot& slot, double scale) const;

  RunRecipe recipe_;
  std::vector<Slot> slots_;
  std::vector<size_t> largest_first_;
  int64_t steps_taken_ = 0;
};

/// The nearest (semi-)orthogonal matrix, roughly: five quintic Newton-Schulz iterations take every singular value to
/// within [0.7, 1.2] (K. Jordan, "Muon", 2024).
torch::Tensor orthogonalise(const torch::Tensor& matrix);

}  // namespace adder
