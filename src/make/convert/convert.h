#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/arch/roles.h"
#include "core/base/threads.h"

namespace adder {

/// What became of one tensor.
struct ConvertedTensor {
  TensorSpec spec;
  DType from, to;
  /// Elements that a conversion back does not return to the bit: those a narrower type rounds, and values of A_log
  /// whose A = -exp(A_log) has another A_log as its nearest (the reverse on the way to A_log).
  int64_t changed = 0;
};

struct ConvertReport {
  std::vector<ConvertedTensor> tensors;
  std::vector<std::string> left_out;           ///< tensors of the input that are not part of the model
  std::vector<std::filesystem::path> outputs;  ///< the files written, or the directory
  uint64_t bytes_in = 0, bytes_out = 0;        ///< of tensor data
};

struct ConvertProgress {
  uint64_t bytes_done, bytes_total;  ///< of the input's tensor data
};

struct ConvertOptions {
  /// F32, F16 or BF16 for every matrix, and in a directory for everything; nothing: as they are.
  std::optional<DType> type;
  /// Largest data of one GGUF file, see GgufWriter::split; 0: one file.
  uint64_t split_bytes = 0;
  int threads = available_threads();
  /// Called several times a second from the calling thread; an error (Error::cancelled, say) ends the work.
  std::function<Status(const ConvertProgress&)> progress;
};

/// Rewrites a model in the other layout, or in the same: a GGUF file (split ones are joined) or a Hugging Face
/// directory (sharded ones are joined) into a GGUF file if `output` ends in ".gguf", else into a directory. Config,
/// tokenizer, chat template and special ids go along. The output appears when it is complete; it must not be the input.
///
/// Without `type` no matrix changes its type. What is no matrix is F32 in GGUF. In a directory it gets the type the
/// directory had that the GGUF file was made from (carried_metadata.h), else that of the embedding, unless that would
/// change a value: then it stays F32. So a directory's tensors come back from GGUF as they were, byte for byte, but for
/// the F32 (or tiny BF16) values of A_log that the report counts.
///
/// A few MB of the tensors are in memory at a time, input pages included; config, vocabulary and texts are there whole.
///
/// Errors: what `bind` refuses; NaN and infinities (kCorrupt, tensor named); quantised or FP8 matrices without `type`
/// where the output has no such type, a directory that is to be split (kUsage).
Result<ConvertReport> convert(const std::filesystem::path& input, const std::filesystem::path& output,
                              const ConvertOptions& options);

}  // namespace adder
