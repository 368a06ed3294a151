#pragma once

#include "make/train/base/torch.h"

#include <atomic>
#include <filesystem>
#include <vector>

#include "make/quantize/mix.h"
#include "make/train/elastic/objective.h"
#include "make/train/loop/run.h"

namespace adder {

struct ElasticOptions : RunOptions {
  RecipeFile recipe;
  std::filesystem::path parent;  ///< in nested order; may be left out of a dry run whose recipe names a preset
  std::vector<std::filesystem::path> data;
  std::filesystem::path teacher_cache;  ///< a folder for what the parent says (teacher_cache.h); empty: none
  std::filesystem::path out;  ///< the trained weights, in nested order, with the children of all budgets on record
  Mix type = Mix::kF32;
  bool dry_run = false;  ///< check everything, print choices and the plan of memory, train nothing
};

/// Trains a parent's weights together with a router that chooses a child for every budget; the parent as it was is the
/// teacher. Goes on where `work` stopped. At the end it writes
///     out                     weights in nested order; record: every budget's child as a size of its name
///     work/child.NAME.json    that child, for `adder slice --child`
///     work/router.json        what the router chose, how surely, and what it costs
Status elastic(const ElasticOptions& options, const std::atomic<bool>& stop);

}  // namespace adder
