#pragma once

#include "make/train/base/torch.h"

#include <atomic>
#include <filesystem>

#include "make/train/data/streams.h"
#include "make/train/loop/trainer.h"

namespace adder {

struct PretrainOptions {
  std::filesystem::path recipe, data;
  std::filesystem::path work;  ///< tokenizer, token cache, last.ckpt, metrics.jsonl, report.html
  std::filesystem::path from;  ///< checkpoint to begin from when `work` has none of its own; empty: from scratch
  int64_t steps = 0;           ///< stop when this many are done in all; 0: no limit
  int64_t decay_steps = 0;     ///< decay to zero over so many steps from the first one on, then stop
  double minutes = 0;          ///< stop after so long; 0: no limit
  double checkpoint_minutes = 5;
  int threads = 0;  ///< 0: as many as this process may use
};

/// A recipe with what it needs to train or be judged: corpus, tokenizer, tokens, model.
struct Workshop {
  Recipe recipe;
  ModelConfig config;
  std::vector<Book> books;
  Tokenizer tokenizer;
  Streams streams;
  Trainer trainer;

  static Result<Workshop> open(const std::filesystem::path& recipe, const std::filesystem::path& data,
                               const std::filesystem::path& work);
};

/// Trains until told to stop (`stop`, a limit, the end of the decay or of the recipe's steps); resumes from
/// work/last.ckpt if it is there. Progress goes to stderr.
Status pretrain(const PretrainOptions& options, const std::atomic<bool>& stop);

/// Loss over the held-out books: `windows` of them spread evenly, 0 for all.
struct HeldOutLoss {
  double nats_per_token = 0, bits_per_byte = 0;
  int64_t tokens = 0;
};
HeldOutLoss held_out_loss(const Workshop& shop, int64_t windows, int threads);

}  // namespace adder
