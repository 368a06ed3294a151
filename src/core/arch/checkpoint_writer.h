#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/arch/roles.h"
#include "core/formats/gguf_writer.h"
#include "core/formats/hf_writer.h"

namespace adder {

enum class Layout : uint8_t { kGguf, kHuggingFace };

/// How values for Role::kA are meant: A itself (what `to_f32` gives) or A_log, with A = -exp(A_log).
enum class AForm : uint8_t { kA, kALog };

/// One type for all matrices; everything else is F32 in GGUF and the matrix type in the Hugging Face layout, as
/// published there. `matrices` must not be a block type (those need a type per tensor).
std::vector<DType> uniform_types(std::span<const TensorSpec> specs, Layout layout, DType matrices);

/// Streams a model into a file (GGUF) or directory (model.safetensors, config.json and side files), tensor after tensor
/// in the order of `tensor_specs`, at most one stored tensor in memory. Nothing appears under its name before `finish`.
///
///     TRY_ASSIGN(auto writer, CheckpointWriter::gguf(path, config, types, metadata));
///     for (const TensorSpec& spec : writer.specs()) TRY(writer.write(values_of(spec)));
///     TRY(writer.finish());
class CheckpointWriter {
 public:
  /// `types` has one entry per tensor_specs(config). `metadata` (tokenizer, names, general.file_type) comes after the
  /// architecture's own and replaces entries of the same key.
  static Result<CheckpointWriter> gguf(const std::filesystem::path& path, const ModelConfig& config,
                                       std::vector<DType> types, const std::vector<GgufEntry>& metadata);
  /// `files.config` is filled in here. kUnsupported for types without a safetensors name and for configs that
  /// config.json cannot say; kUsage when the directory holds parts of another model (HfWriter).
  static Result<CheckpointWriter> hugging_face(const std::filesystem::path& directory, const ModelConfig& config,
                                               std::vector<DType> types, HfFiles files);

  const std::vector<TensorSpec>& specs() const { return specs_; }
  const std::vector<DType>& types() const { return types_; }
  Layout layout() const { return layout_; }

  /// Whole rows of the next tensor, in canonical shape, any number at a time; encoded to the tensor's type. For
  /// Role::kA, turned into what the layout stores. NaN and Inf are refused (kCorrupt, tensor named).
  Status write(std::span<const float> rows, AForm form = AForm::kA);
  /// The next tensor whole, as bytes of its type in what its layout stores (A_log in the Hugging Face one).
  Status write_stored(std::span<const std::byte> bytes);
  Status finish();

 private:
  CheckpointWriter(Layout layout, const ModelConfig& config, std::vector<DType> types);
  const TensorSpec& next_spec() const;
  std::string_view stored_name(const TensorSpec& spec) const;

  Layout layout_;
  std::vector<TensorSpec> specs_;
  std::vector<DType> types_;
  size_t next_ = 0;
  std::vector<std::byte> encoded_;  ///< rows of the next tensor that are there already
  std::optional<GgufWriter> gguf_;  ///< one of these two
  std::unique_ptr<HfWriter> hugging_face_;
};

}  // namespace adder
