#pragma once

#include "make/train/base/torch.h"

#include <string>
#include <vector>

#include "make/train/loss/head_loss.h"
#include "make/train/nn/model.h"

namespace adder {

/// What a run trains: a model and, beside it, tensors that belong to its objective, as a router does.
struct Weights {
  Parameters model;
  std::vector<torch::Tensor> beside;
  double beside_rate = 0;  ///< their peak learning rate

  /// Leaves that share this storage and gather gradients of their own.
  Weights lane() const;
  size_t count() const { return model.values().size() + beside.size(); }
  torch::Tensor& at(size_t i);
  const torch::Tensor& at(size_t i) const;
  std::string name_of(size_t i) const;  ///< "param.up.3", "beside.0": its key in checkpoints
};

/// Some windows of a batch, on the device.
struct MicroBatch {
  torch::Tensor tokens;   ///< [B,T]
  torch::Tensor targets;  ///< [B T]
  torch::Tensor starts;   ///< [B,T], or undefined
  int64_t index = 0;      ///< counted over the whole run, whichever lane or process has it
  int64_t step = 0;       ///< from 0
};

/// What a run makes small. Called from several threads at once.
class Objective {
 public:
  virtual ~Objective() = default;
  /// Sums over the targets of the micro-batch.
  virtual HeadLoss loss(const Weights& weights, const MicroBatch& micro) const = 0;
  /// What to say of `weights` after a step besides its loss; empty: nothing.
  virtual std::string remark(const Weights&, int64_t /*step*/) const { return {}; }
};

/// The likelihood of the text.
class CrossEntropy : public Objective {
 public:
  explicit CrossEntropy(ForwardOptions forward) : forward_(forward) {}
  HeadLoss loss(const Weights& weights, const MicroBatch& micro) const override;

 private:
  ForwardOptions forward_;
};

}  // namespace adder
