#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/threads.h"
#include "make/convert/convert_tensors.h"

namespace adder {

struct ConvertReport {
  std::vector<ConvertedTensor> tensors;
  std::vector<std::string> left_out;           ///< tensors of the input that are not part of the model
  std::vector<std::filesystem::path> outputs;  ///< the files written, or the directory
  uint64_t bytes_in = 0, bytes_out = 0;        ///< of tensor data
};

struct ConvertOptions {
  /// F32, F16 or BF16 for every matrix, and in a directory for everything; nothing: as they are.
  std::optional<DType> type;
  /// Largest data of one GGUF file, see GgufWriter::split; 0: one file.
  uint64_t split_bytes = 0;
  int threads = available_threads();
  /// Called several times a second from the calling thread; an error (Error::cancelled, say) ends the work.
  OnConvertProgress progress;
};

/// Rewrites a model in the other layout, or in the same: a GGUF file (split ones are joined) or a Hugging Face
/// directory (sharded ones are joined) into a GGUF file if `output` ends in ".gguf", else into a directory. Config,
/// tokenizer, chat template and special ids go along. The output appears when it is complete; it must not be the input.
///
/// FP8 (core/arch/fp8.h) stays where it is from one directory to another, scales and all; GGUF has no such type.
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
