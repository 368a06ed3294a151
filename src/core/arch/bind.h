#pragma once

#include <memory>
#include <vector>

#include "core/arch/fp8.h"
#include "core/arch/roles.h"
#include "core/formats/model_file.h"

namespace adder {

/// A tensor found in a file and checked against its spec.
struct BoundTensor {
  TensorSpec spec;
  TensorView view;        ///< shape is the canonical one
  bool is_a_log = false;  ///< the file stores A_log (Hugging Face); the model wants A = -exp(A_log)
  std::string name = {};  ///< in the file
  Fp8Scales scales = {};  ///< of a matrix in FP8; cache may also be there for one that is not
};

/// A file understood: its config, and every tensor of the model in the order of `tensor_specs`.
struct BoundModel {
  std::shared_ptr<const ModelFile> file;
  ModelConfig config;
  std::vector<BoundTensor> tensors;
  std::vector<NamedTensor> skipped;  ///< what the file holds besides, of any type

  const BoundTensor* find(Role role, int layer = -1) const;
};

/// Names, shapes and dtypes are compared with `tensor_specs`; the error lists *all* differences: missing, extra,
/// misshapen, of a type the role cannot have. `mtp.*` tensors, heads that predict several tokens, are skipped. So is
/// the lm_head.weight that some Hugging Face files hold beside `tie_word_embeddings: true`, when it repeats the
/// embedding byte for byte; one that differs is refused, for it is not clear which is meant: transformers 4 drops it,
/// transformers 5 unties.
///
/// The scales of FP8 (fp8.h) are no tensors of their own: each goes to its matrix. A matrix in FP8 must have a
/// weight_scale where the directory says that it is quantised; elsewhere its codes are its numbers.
Result<BoundModel> bind(std::shared_ptr<const ModelFile> file);

/// Rows [first, first + n) as f32: decoded, times the scale of FP8. A_log stays A_log.
void decode_rows(const BoundTensor& tensor, int64_t first, int64_t n, std::span<float> out);

/// Decodes to f32, applying -exp to A_log; a NaN or Inf is an error that names the tensor.
Result<std::vector<float>> to_f32(const BoundTensor& tensor);

}  // namespace adder
