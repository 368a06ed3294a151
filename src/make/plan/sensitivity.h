#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/arch/bind.h"
#include "core/base/result.h"
#include "core/tensor/dtype.h"

namespace adder {

/// What it costs to round one matrix. With w^ the matrix after rounding to a type, error is
///   sum_r |w_r - w^_r|^2 / sum_r |w_r|^2  over rows r
/// in the length of `RowRounding::squared`: the relative error of the products it is used for, were their inputs
/// uncorrelated, or, with Gram matrices, as they are. Divergence was measured for one
/// type, the probe; while errors are small it is of second order in them, so for another type
///   kl(type) = kl(probe) error(type) / error(probe).
struct TensorSensitivity {
  struct Choice {
    DType type;
    double error;
    bool operator==(const Choice&) const = default;
  };
  std::string name;
  int64_t elements = 0, row_length = 0;
  DType probe = DType::kQ4_0;
  double kl = 0;                ///< nats per token, this matrix alone in the probe's type
  std::vector<Choice> choices;  ///< the types it may get, the probe among them

  /// For a type among the choices.
  double predicted_kl(DType type) const;
  bool operator==(const TensorSensitivity&) const = default;
};

/// The table of a whole model, and on what it was gathered. Stored as JSON.
struct Sensitivities {
  std::string model;       ///< model_fingerprint
  std::string importance;  ///< Imatrix::fingerprint, empty if there was none
  std::string text;        ///< fingerprint of the windows
  std::vector<TensorSensitivity> tensors;

  const TensorSensitivity* find(const std::string& name) const;

  /// Errors: those of JSON; fields missing, of another type or out of range, named with the tensor (kCorrupt).
  static Result<Sensitivities> read(const std::filesystem::path& path);
  Status write(const std::filesystem::path& path) const;
};

/// Types the planner may give a matrix with such rows: those `encode` writes, kernels multiply as integers and whose
/// blocks divide the row, and F16.
std::vector<DType> candidate_types(int64_t row_length);

/// Tells models apart by names, shapes and the first row of every matrix; the same in every layout of the same weights.
std::string model_fingerprint(const BoundModel& model);

}  // namespace adder
