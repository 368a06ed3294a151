#pragma once

#include <functional>

#include "core/base/threads.h"
#include "make/calib/imatrix.h"
#include "make/eval/windows.h"
#include "make/plan/sensitivity.h"

namespace adder {

struct MeasureOptions {
  const Imatrix* imatrix = nullptr;  ///< null: all columns count alike; with Gram matrices rounding compensates
  int threads = available_threads();
  /// Called after each pass over the text, the share that is done; an error (Error::cancelled, say) ends the work.
  std::function<Status(double done)> progress;
  /// Called whenever a tensor is finished, to save the table so far.
  std::function<Status(const Sensitivities&)> save;
};

/// Gathers the table of a model: for each matrix the error of every type it may get, on up to 512 of its rows, and the
/// divergence of the model's predictions on `windows` (of every position) when that matrix alone is rounded to Q4_0 and
/// all arithmetic is as exact as the model's own. Tensors that `done`, an interrupted run's table, has already are
/// taken from there; it must be of the same model, importance and text (kUsage).
///
/// The parent's logits on the text are kept in memory (kTooLarge), 4 bytes x vocabulary x positions. A model that is
/// quantised already is kUsage: its own rounding would be part of what is measured.
Result<Sensitivities> measure_sensitivities(BoundModel model, std::span<const Window> windows,
                                            const MeasureOptions& options, const Sensitivities& done = {});

}  // namespace adder
