#pragma once

#include "make/train/base/torch.h"

#include <filesystem>

#include "make/train/data/windows.h"
#include "make/train/loop/optimizer.h"
#include "make/train/loop/recipe.h"
#include "make/train/loop/schedule.h"
#include "make/train/nn/model.h"
#include "make/train/nn/parameters.h"

namespace adder {

/// What one step did.
struct StepReport {
  int64_t step = 0;       ///< counted from 1
  double loss = 0;        ///< mean cross-entropy of the batch, nats per target
  double grad_norm = 0;   ///< before clipping
  double rate_scale = 0;  ///< of the peak learning rates
};

/// A run: parameters, optimizer, and how far it has come. Steps depend on the recipe, the token stream and the state
/// alone, not on the number of threads; a run that is saved and loaded takes the identical next step.
class Trainer {
 public:
  Trainer(const Recipe& recipe, const ModelConfig& config, Windows windows, torch::Device device, Precision precision);

  void initialise() { params_.initialise(recipe_.seed, recipe_.init_std); }

  /// Loss that is not finite is an error that names the step; parameters are then those before it.
  Result<StepReport> step(int threads);

  /// Mean nats per target over the rows.
  struct Loss {
    double nats = 0;
    int64_t targets = 0;
  };
  Loss evaluate(const WindowBatch& batch, int threads) const;

  /// An archive of libtorch: parameters by role and layer, optimizer, counters. Written whole or not at all.
  Status save(const std::filesystem::path& path);
  /// Refuses a checkpoint of another shape.
  Status load(const std::filesystem::path& path);

  const Parameters& params() const { return params_; }
  Parameters& params() { return params_; }
  int64_t steps_done() const { return steps_done_; }
  int64_t samples_seen() const { return samples_seen_; }
  int64_t tokens_seen() const { return samples_seen_ * recipe_.seq_len; }
  Decay& decay() { return decay_; }
  const Decay& decay() const { return decay_; }

 private:
  torch::Tensor loss_sum(const Parameters& params, const WindowBatch& batch, int64_t first, int64_t rows) const;

  Recipe recipe_;
  Parameters params_;
  std::vector<Parameters> lanes_;
  Optimizer optimizer_;
  Windows windows_;
  torch::Device device_;
  ForwardOptions forward_;
  Decay decay_;
  int64_t steps_done_ = 0, samples_seen_ = 0;
};

}  // namespace adder
