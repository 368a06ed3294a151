#pragma once

#include <memory>
#include <vector>

#include "core/arch/roles.h"
#include "core/formats/model_file.h"

namespace adder {

/// A tensor found in a file and checked against its spec.
struct BoundTensor {
  TensorSpec spec;
  TensorView view;        ///< shape is the canonical one
  bool is_a_log = false;  ///< the file stores A_log (Hugging Face); the model wants A = -exp(A_log)
  std::string name = {};  ///< in the file
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
Result<BoundModel> bind(std::shared_ptr<const ModelFile> file);

/// Decodes to f32, applying -exp to A_log; a NaN or Inf is an error that names the tensor.
Result<std::vector<float>> to_f32(const BoundTensor& tensor);

}  // namespace adder
