#pragma once

#include <atomic>
#include <filesystem>
#include <functional>

#include "make/train/loop/metrics.h"
#include "make/train/loop/trainer.h"

namespace adder {

/// What people say of a run besides its recipe.
struct RunOptions {
  std::filesystem::path work;  ///< last.ckpt, metrics.jsonl, report.html
  int64_t steps = 0;           ///< stop when this many are done in all; 0: when the recipe's are
  double minutes = 0;          ///< stop after so long; 0: no limit
  double checkpoint_minutes = 5;
  int threads = 0;  ///< 0: as many as this process may use
  /// Whom the run is shared with. The first of them says how it goes and judges; all read and write the same `work`.
  std::shared_ptr<const Team> team = std::make_shared<const Team>();
};

/// Judges a model as it is at a checkpoint, or where the recipe asks for it: says so in a line and in the metrics.
using Judge = std::function<Status(const Metrics& metrics, int threads)>;

/// Steps until told to stop (`stop`, a limit, the end of the decay or of the recipe's steps), and then saves; on the
/// way it saves now and then. Progress goes to stderr. kUsage for a team whose size does not divide train.lanes.
Status run(Trainer& trainer, const RunOptions& options, const Judge& judge, const std::atomic<bool>& stop);

/// True when the recipe's steps, or those of its decay, are done.
bool is_complete(const Trainer& trainer);

}  // namespace adder
