#pragma once

#include <functional>
#include <vector>

#include "core/arch/bind.h"
#include "core/arch/checkpoint_writer.h"

namespace adder {

/// What became of one tensor.
struct ConvertedTensor {
  TensorSpec spec;
  DType from, to;
  /// Elements that a conversion back does not return to the bit: those a narrower type rounds, and values of A_log
  /// whose A = -exp(A_log) has another A_log as its nearest (the reverse on the way to A_log).
  int64_t changed = 0;
};

struct ConvertProgress {
  uint64_t bytes_done, bytes_total;  ///< of the input's tensor data
};
/// Called several times a second from the calling thread; an error (Error::cancelled, say) ends the work.
using OnConvertProgress = std::function<Status(const ConvertProgress&)>;

/// Whether a number comes back from `type` as it was.
bool survives(float value, DType type);

/// Streams all tensors of a model to `writer`, in the writer's layout, types and scales, and tells it the source's
/// hash; to `finish` is left to the caller. A tensor that has its type already is copied byte for byte. To FP8 a matrix
/// is divided by its scale and rounded as Model Optimizer rounds it; what lies beyond 448 saturates. A few MB of the
/// tensors are in memory at a time, input pages included.
///
/// Errors: NaN, infinities (kCorrupt) and magnitudes that the type cannot hold (kUnsupported), with the tensor's name;
/// those of the writer and of `progress`.
Result<std::vector<ConvertedTensor>> convert_tensors(const BoundModel& model, CheckpointWriter& writer, int threads,
                                                     const OnConvertProgress& progress = {});

}  // namespace adder
