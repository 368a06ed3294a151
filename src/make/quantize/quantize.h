#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "core/arch/bind.h"
#include "core/base/threads.h"
#include "make/calib/imatrix.h"
#include "make/quantize/mix.h"

namespace adder {

/// What became of one tensor.
struct QuantizedTensor {
  TensorSpec spec;
  DType from;
  PlannedType to;
  bool by_importance = false;  ///< the importance matrix said what mattered
  bool compensated = false;    ///< and how errors make up for each other
  /// From blocks to other blocks: the errors of both types add up.
  bool requantized() const;
};

struct QuantizeReport {
  std::vector<QuantizedTensor> tensors;
  uint64_t bytes_in = 0, bytes_out = 0;  ///< of tensor data
};

struct QuantizeProgress {
  const TensorSpec& spec;  ///< the tensor at work
  DType from, to;
  uint64_t bytes_done, bytes_total;  ///< of the output's tensor data
};

struct QuantizeOptions {
  Mix mix = Mix::kQ4_K_M;
  int threads = available_threads();
  /// Called several times a second from the calling thread; an error (Error::cancelled, say) ends the work.
  std::function<Status(const QuantizeProgress&)> progress;
  std::optional<TypePlan> plan = {};  ///< instead of the mix
  const Imatrix* imatrix = nullptr;
};

/// Rewrites a GGUF file or a Hugging Face directory as a GGUF file with the types of `options.mix`. The memory in use
/// is about one output tensor. A tensor that has its type already is copied byte for byte.
///
/// All metadata of a GGUF file is carried over; from a directory come the config, the tokenizer and the chat template
/// (a directory without tokenizer.json gives a file without a tokenizer). general.file_type and
/// general.quantization_version are set. The output appears when it is complete; it must not be the input.
///
/// With `options.imatrix`, rounding minimises the error weighted by the importance of every column, and where that
/// holds a Gram matrix later columns make up for the errors of earlier ones (row_rounding.h). A matrix that is not in
/// there, as the embedding never is, is rounded as without; one of another width is kUsage.
///
/// NaN, infinities and magnitudes that the type cannot hold are kCorrupt; tensor, row and column are named.
Result<QuantizeReport> quantize(const std::filesystem::path& input, const std::filesystem::path& output,
                                const QuantizeOptions& options);

/// The types `options` ask for: its plan's or its mix's.
TypePlan chosen_types(const QuantizeOptions& options, const ModelConfig& config);

/// Of the file that `quantize` writes from this model: all that is not tensor data, at most, whatever the types.
Result<uint64_t> overhead_bytes(const BoundModel& model, const QuantizeOptions& options);

}  // namespace adder
