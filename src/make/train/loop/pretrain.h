#pragma once

#include "make/train/base/torch.h"

#include <atomic>
#include <filesystem>

#include "make/train/data/streams.h"
#include "make/train/loop/held_out.h"
#include "make/train/loop/run.h"

namespace adder {

struct PretrainOptions : RunOptions {  // work also has tokenizer and token cache
  RecipeFile recipe;
  std::filesystem::path data;
  std::filesystem::path from;  ///< checkpoint to begin from when `work` has none of its own; empty: from scratch
  int64_t decay_steps = 0;     ///< decay to zero over so many steps from the first one on, then stop
};

/// A recipe with what it needs to train or be judged: corpus, tokenizer, tokens, model.
struct Workshop {
  Recipe recipe;
  ModelConfig config;
  std::vector<Book> books;
  Tokenizer tokenizer;
  Streams streams;
  Trainer trainer;

  static Result<Workshop> open(const RecipeFile& recipe, const std::filesystem::path& data,
                               const std::filesystem::path& work,
                               std::shared_ptr<const Team> team = std::make_shared<const Team>());
  HeldOutLoss held_out_loss(int64_t windows, int threads) const;  ///< 0 windows: all
};

/// Trains until told to stop; resumes from work/last.ckpt if it is there.
Status pretrain(const PretrainOptions& options, const std::atomic<bool>& stop);

}  // namespace adder
