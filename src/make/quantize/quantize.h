#pragma once

#include <filesystem>
#include <functional>

#include "core/base/threads.h"
#include "make/quantize/mix.h"

namespace adder {

/// What became of one tensor.
struct QuantizedTensor {
  TensorSpec spec;
  DType from;
  PlannedType to;
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
};

/// Rewrites a GGUF file or a Hugging Face directory as a GGUF file with the types of `options.mix`. The memory in use
/// is about one output tensor. A tensor that has its type already is copied byte for byte.
///
/// All metadata of a GGUF file is carried over; from a directory come the config, the tokenizer and the chat template
/// (a directory without tokenizer.json gives a file without a tokenizer). general.file_type and
/// general.quantization_version are set. The output appears when it is complete; it must not be the input.
///
/// NaN, infinities and magnitudes that the type cannot hold are kCorrupt; tensor, row and column are named.
Result<QuantizeReport> quantize(const std::filesystem::path& input, const std::filesystem::path& output,
                                const QuantizeOptions& options);

}  // namespace adder
