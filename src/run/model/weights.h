#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "core/arch/bind.h"
#include "core/base/threads.h"
#include "run/kernels/packed.h"

namespace adder {

/// With the bytes of the file; `scale` is that of FP8 (core/arch/fp8.h).
struct StoredMatrix {
  TensorView view;
  float scale = 1;
};

/// The matrix of a linear map: packed where its type has integer products, else as it is stored.
using Matrix = std::variant<StoredMatrix, PackedMatrix>;

inline int64_t n_rows(const Matrix& w) {
  const auto* const packed = std::get_if<PackedMatrix>(&w);
  return packed ? packed->n_rows : std::get<StoredMatrix>(w).view.shape.rows();
}

inline const std::byte* data_of(const Matrix& w) {
  const auto* const packed = std::get_if<PackedMatrix>(&w);
  return packed ? packed->data : std::get<StoredMatrix>(w).view.data;
}

/// The most memory `Weights::load` takes: what it lays out, the rest of the mapped files, and the piece at hand.
int64_t weight_bytes(const BoundModel& model);

/// All matrices of a model that linear maps use, laid out once in one piece of memory, in huge pages where the system
/// has them: those with integer products packed, the others copied, for a file is mapped in small pages, which cost a
/// quarter of the speed of reading (docs/performance.md). Without memory to copy them they stay in the file.
class Weights {
 public:
  /// Reads every matrix but an embedding that is no output, checks it for NaN and Inf (scales only, where there are
  /// scales), lays it out, and gives the file's pages back piece by piece, so that a matrix is not in memory twice (but
  /// for the rows in use of an embedding that is the output too). Errors: no memory for packed ones (kTooLarge); a
  /// number that is not finite, naming tensor and row (kCorrupt).
  static Result<Weights> load(const BoundModel& model, ThreadPool& pool);

  /// Of bound.tensors[index].
  const Matrix& operator[](size_t index) const { return matrices_[index]; }

 private:
  std::shared_ptr<std::byte> memory_;
  std::vector<Matrix> matrices_;
};

}  // namespace adder
