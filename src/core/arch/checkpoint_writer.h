#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/arch/fp8.h"
#include "core/arch/receipt.h"
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
/// in the order of `tensor_specs`, none of them whole in memory. Nothing appears under its name before `finish`. What
/// is written has a receipt (receipt.h) and is sealed (seal.h); `steps` say how it came to be.
///
///     TRY_ASSIGN(auto writer, CheckpointWriter::gguf(path, config, types, metadata, {{"synth --seed 7", ""}}));
///     for (const TensorSpec& spec : writer.specs()) TRY(writer.write(values_of(spec)));
///     TRY(writer.finish());
class CheckpointWriter {
 public:
  /// `types` has one entry per tensor_specs(config). `metadata` (tokenizer, names, general.file_type) comes after the
  /// architecture's own and replaces entries of the same key; a receipt among it is left out. `split_bytes` as in
  /// GgufWriter::split; 0 for one file.
  static Result<CheckpointWriter> gguf(const std::filesystem::path& path, const ModelConfig& config,
                                       std::vector<DType> types, const std::vector<GgufEntry>& metadata,
                                       std::vector<ReceiptStep> steps = {}, uint64_t split_bytes = 0);
  /// `files.config` may have fields that are not the architecture's (special ids); those are filled in here.
  /// kUnsupported for types without a safetensors name and for configs that config.json cannot say; kUsage when the
  /// directory holds parts of another model (HfWriter).
  ///
  /// `scales`: none, or one entry per tensor; they are written first (fp8.h), the weight's and the input's of tensors
  /// of type F8_E4M3, the cache's of all. What the directory says of itself (says_fp8) is up to `files`.
  static Result<CheckpointWriter> hugging_face(const std::filesystem::path& directory, const ModelConfig& config,
                                               std::vector<DType> types, HfFiles files,
                                               std::vector<ReceiptStep> steps = {}, std::vector<Fp8Scales> scales = {});

  const std::vector<TensorSpec>& specs() const { return specs_; }
  const std::vector<DType>& types() const { return types_; }
  const std::vector<Fp8Scales>& scales() const { return scales_; }
  Layout layout() const { return layout_; }

  /// Whole rows of the next tensor, in canonical shape, any number at a time; encoded to the tensor's type. For
  /// Role::kA, turned into what the layout stores. NaN and Inf are refused (kCorrupt, tensor named).
  Status write(std::span<const float> rows, AForm form = AForm::kA);
  /// The next tensor whole, as bytes of its type in what its layout stores (A_log in the Hugging Face one).
  Status write_stored(std::span<const std::byte> bytes);
  /// The same in pieces: the next bytes of the tensor at work.
  Status write_part(std::span<const std::byte> bytes);

  /// The hash of the model that the last step read, where it was blank; to be known before `finish`.
  void set_source(std::string model_hash);
  Status finish();

  /// What has been written: files, or the directory.
  std::vector<std::filesystem::path> paths() const;

 private:
  CheckpointWriter(Layout layout, ModelConfig config, std::vector<DType> types, std::vector<ReceiptStep> steps);
  const TensorStream& stream() const;
  size_t at_work() const;  ///< index of the tensor that comes next
  std::string_view stored_name(const TensorSpec& spec) const;

  Layout layout_;
  ModelConfig config_;
  std::vector<TensorSpec> specs_;
  std::vector<DType> types_;
  std::vector<Fp8Scales> scales_;  ///< empty, or one per tensor
  size_t n_scales_ = 0;            ///< numbers that lie before the tensors
  Receipt receipt_;
  std::filesystem::path directory_;
  std::optional<GgufWriter> gguf_;  ///< one of these two
  std::unique_ptr<HfWriter> hugging_face_;
};

}  // namespace adder
