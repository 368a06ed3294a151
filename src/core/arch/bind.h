#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/arch/fp8.h"
#include "core/arch/roles.h"
#include "core/formats/model_file.h"

namespace adder {

/// A tensor found in a file and checked against its spec.
struct BoundTensor {
  TensorSpec spec;
  TensorView view;         ///< shape is the canonical one
  bool is_a_log = false;   ///< the file stores A_log (Hugging Face); the model wants A = -exp(A_log)
  std::string name = {};   ///< in the file
  Fp8Scales scales = {};   ///< of a matrix in FP8; cache may also be there for one that is not
  bool is_joined = false;  ///< put together in BoundModel::joined, where the file has it in pieces
  /// Not put together: row r is their rows r side by side, and `view` has no data.
  std::vector<TensorView> pieces = {};
};

/// A file understood: its config, and every tensor of the model in the order of `tensor_specs`.
struct BoundModel {
  std::shared_ptr<const ModelFile> file;
  ModelConfig config;
  std::vector<BoundTensor> tensors;
  std::vector<NamedTensor> skipped;              ///< what the file holds besides, of any type
  bool is_part = false;                          ///< one size of a file that holds several
  std::shared_ptr<const std::byte> joined = {};  ///< tensors that had to be put together

  const BoundTensor* find(Role role, int layer = -1) const;
  /// Of the file, or of this size's tensors and the file's texts.
  int64_t mapped_bytes() const;
  /// Unmaps what of the file a tensor was read from; the next to read it maps it again.
  void unmap(const BoundTensor& tensor) const;
  /// Gives memory back for a part of a tensor that nobody will read again.
  void give_up(const BoundTensor& tensor, std::span<const std::byte> part) const;
};

/// Keys of files that hold one model at several sizes (core/nest/nested_file.h) begin so.
inline constexpr std::string_view kNestedPrefix = "adder.nested.";
/// text[], the names of the sizes.
inline constexpr std::string_view kNestedNamesKey = "adder.nested.names";

/// Names, shapes and dtypes are compared with `tensor_specs`; the error lists *all* differences: missing, extra,
/// misshapen, of a type the role cannot have. `mtp.*` tensors, heads that predict several tokens, are skipped. So is
/// the lm_head.weight that some Hugging Face files hold beside `tie_word_embeddings: true`, when it repeats the
/// embedding byte for byte; one that differs is refused, for it is not clear which is meant: transformers 4 drops it,
/// transformers 5 unties.
///
/// The scales of FP8 (fp8.h) are no tensors of their own: each goes to its matrix. A matrix in FP8 must have a
/// weight_scale where the directory says that it is quantised; elsewhere its codes are its numbers.
///
/// A file of several sizes is refused (kUnsupported), naming them: `bind_size` takes one.
Result<BoundModel> bind(std::shared_ptr<const ModelFile> file);

/// Rows [first, first + n) as f32: decoded, times the scale of FP8. A_log stays A_log.
void decode_rows(const BoundTensor& tensor, int64_t first, int64_t n, std::span<float> out);

/// Decodes to f32, applying -exp to A_log; a NaN or Inf is an error that names the tensor.
Result<std::vector<float>> to_f32(const BoundTensor& tensor);

}  // namespace adder
