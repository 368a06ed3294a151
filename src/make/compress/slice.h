#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/arch/bind.h"
#include "core/arch/checkpoint_writer.h"
#include "core/nest/selection.h"
#include "make/compress/nested.h"
#include "make/compress/weight_count.h"

namespace adder {

struct SliceOptions {
  std::optional<DType> type = {};  ///< F32, F16 or BF16 for every matrix, as in ConvertOptions
  uint64_t split_bytes = 0;        ///< of one GGUF file; 0: one file
  /// Called several times a second; an error (Error::cancelled, say) ends the work.
  std::function<Status(double done)> progress = {};
};

/// All that is decided before anything is written.
struct SlicePlan {
  ModelConfig config;                  ///< the child's
  std::vector<size_t> sources;         ///< for each of its tensors, the one of the parent
  std::vector<DType> types;            ///< of its tensors
  Selector selector;                   ///< what it keeps of them
  std::optional<NestedRecord> record;  ///< the child's own
  WeightCount parent, child;
};

/// A child that keeps the first parts of `order`. One that keeps everything is the parent in nested order, which
/// computes what the parent computes. The child's tensors have the parent's types, or `options.type`.
///
/// `record` is the parent's, where `order` is the parent's own; the child's says the same of what is left. Else it says
/// where `order` comes from, if `order.scores` does.
///
/// Errors: those of child_config; a matrix in blocks whose columns do not stay together in whole blocks, without
/// `options.type` (kUsage, tensor named); those of output_types.
Result<SlicePlan> plan_slice(const BoundModel& parent, const ChildShape& child, const NestedOrder& order,
                             const std::optional<NestedRecord>& record, Layout layout, const SliceOptions& options);

/// Writes the child: a GGUF file if `output` ends in ".gguf", else a Hugging Face directory, with the parent's
/// tokenizer, template and special ids. `recipe` is its step in the receipt. One tensor of the parent is in memory at a
/// time, as pages of its file. Errors: those of `check_output` and of writing; numbers that are not finite (kCorrupt).
Result<std::vector<std::filesystem::path>> slice(const BoundModel& parent, const SlicePlan& plan,
                                                 const std::filesystem::path& output, const std::string& recipe,
                                                 const SliceOptions& options);

}  // namespace adder
