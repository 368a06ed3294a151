#pragma once

#include "make/train/base/torch.h"

#include <filesystem>
#include <memory>

#include "make/train/data/mixture.h"
#include "make/train/loop/objective.h"
#include "make/train/loop/optimizer.h"
#include "make/train/loop/recipe.h"
#include "make/train/loop/schedule.h"
#include "make/train/scale/team.h"

namespace adder {

/// Losses over some windows, nats.
struct LossSums {
  double total = 0;     ///< what the objective makes small
  double nats = 0;      ///< cross-entropy
  double kl = 0;        ///< divergence from the teacher, if the objective has one
  int64_t agreed = 0;   ///< targets for which the teacher finds the same token likeliest
  int64_t correct = 0;  ///< targets found likeliest; counted where a model is judged, not where it is trained
  int64_t targets = 0;

  void add(const LossSums& other);
  double mean(double sum) const { return sum / static_cast<double>(targets); }
};

/// What one step did.
struct StepReport {
  int64_t step = 0;  ///< counted from 1
  LossSums sums;
  double loss = 0;        ///< the objective per target
  double grad_norm = 0;   ///< of the model, before clipping
  double rate_scale = 0;  ///< of the peak learning rates
};

/// A run: weights, optimizer, and how far it has come. Steps depend on the recipe, the token stream and the state
/// alone, not on the number of threads; a run that is saved and loaded takes the identical next step.
///
/// The processes of a team share the lanes of every step, and each keeps its share of the optimizer's state; all of
/// them have the same weights after every step. Sums over processes are rounded in another order than sums over lanes,
/// so that a step of several differs from a step of one in the last bits.
class Trainer {
 public:
  Trainer(const RunRecipe& recipe, Weights weights, Mixture text, std::shared_ptr<const Objective> objective,
          std::shared_ptr<const Team> team = std::make_shared<const Team>());

  /// A loss that is not finite is an error that names the step and the samples; weights are then those before it. The
  /// processes of a team call this together, and all get the error.
  Result<StepReport> step(int threads);

  /// Sums over the windows for any objective.
  LossSums evaluate(const Objective& objective, const WindowBatch& batch, int threads) const;

  /// An archive of libtorch: parameters by role and layer, optimizer, counters. Written whole or not at all. The
  /// processes of a team call this together; each writes its share of the optimizer's state beside it, as
  /// PATH.STEP.I-of-N, before PATH appears. Any number of processes can go on from it.
  Status save(const std::filesystem::path& path);
  /// Refuses a checkpoint of another shape.
  Status load(const std::filesystem::path& path);
  /// Counts steps and samples from 0 again, weights and optimizer as they are: another stage begins.
  void begin_stage();

  const Weights& weights() const { return weights_; }
  Weights& weights() { return weights_; }
  const Parameters& params() const { return weights_.model; }
  Parameters& params() { return weights_.model; }
  const RunRecipe& recipe() const { return recipe_; }
  const Team& team() const { return *team_; }
  const Objective& objective() const { return *objective_; }
  int64_t steps_done() const { return steps_done_; }
  int64_t samples_seen() const { return samples_seen_; }
  int64_t tokens_seen() const { return samples_seen_ * recipe_.seq_len; }
  /// How far into the order of samples that is: with those that the recipe begins after.
  int64_t tokens_reached() const { return recipe_.first_sample * recipe_.seq_len + tokens_seen(); }
  Decay& decay() { return decay_; }
  const Decay& decay() const { return decay_; }

 private:
  struct LaneResult {
    LossSums sums;
    int64_t bad_row = -1;  ///< of the batch, the first of a micro-batch whose loss is not finite
  };
  MicroBatch micro_batch(const WindowBatch& batch, int64_t first, int64_t rows) const;
  LaneResult run_lane(size_t lane, const WindowBatch& batch);
  std::vector<torch::Tensor> gradients() const;
  void share_weights();
  Status agree(const Status& mine) const;

  RunRecipe recipe_;
  Weights weights_;
  std::shared_ptr<const Team> team_;
  std::vector<Weights> lanes_;  ///< of this process
  Optimizer optimizer_;
  Mixture text_;
  std::shared_ptr<const Objective> objective_;
  torch::Device device_;
  Decay decay_;
  int64_t steps_done_ = 0, samples_seen_ = 0;
};

}  // namespace adder
