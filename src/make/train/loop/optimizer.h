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
  /// Process `rank` of `size` has the state of a share of the tensors, as even as whole tensors allow, and updates
  /// those alone (ZeRO stage 1, arXiv 1910.02054).
  Optimizer(const RunRecipe& recipe, const Weights& weights, int rank = 0, int size = 1);

  /// One update of this process's share of `weights` from `grads` (same order), with the peak rates times `scale`.
  /// Tensors are independent; `threads` of them are updated side by side.
  void step(Weights& weights, const std::vector<torch::Tensor>& grads, double scale, int threads);

  int owner(size_t i) const { return slots_[i].owner; }  ///< which process updates tensor i

  /// Everything a continued run needs of this process's share, by name.
  std::vector<std::pair<std::string, torch::Tensor*>> state();
  int64_t& steps_taken() { return steps_taken_; }

 private:
  enum class Kind { kAdamW, kMuon };
  struct Slot {
    Kind kind;
    bool decays;
    double rate;                                 // peak
    int owner = 0;                               // process
    torch::Tensor momentum = {}, variance = {};  // of this process's share; variance of AdamW only
  };
  void update(torch::Tensor& value, const torch::Tensor& grad, Slot& slot, double scale) const;

  RunRecipe recipe_;
  std::vector<Slot> slots_;
  std::vector<size_t> own_;  // this process's share, the largest first
  int64_t steps_taken_ = 0;
};

/// The nearest (semi-)orthogonal matrix, roughly: five quintic Newton-Schulz iterations take every singular value to
/// within [0.7, 1.2] (K. Jordan, "Muon", 2024).
torch::Tensor orthogonalise(const torch::Tensor& matrix);

}  // namespace adder
