#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/arch/bind.h"
#include "core/nest/child.h"

namespace adder {

/// One file that holds a model at several sizes, everything once. It is a GGUF file of the whole model with two keys
/// more, and with its tensors cut in slabs. Sizes are counted from 0, the smallest; the last one is the whole model.
///     kNestedNamesKey    text[]   their names
///     kNestedShapesKey   text[]   child.json (child.h) of each, in the whole model's numbering
/// With R_s and C_s the rows and columns that size s keeps of a tensor (selection.h), and t the smallest size that has
/// its layer, the slabs of tensor NAME are, left out where empty,
///     NAME            R_t x C_t
///     NAME.right.S    R_{S-1} x (C_S without C_{S-1})      for every S > t
///     NAME.below.S    (R_S without R_{S-1}) x C_S
/// so that size s is read from the slabs up to s, and nothing else of the file is touched. Quantised rows can be cut
/// where blocks end: every width a multiple of 32, or of 256 for K-quants. make/compress/nested_writer.h makes them.
inline constexpr std::string_view kNestedShapesKey = "adder.nested.shapes";
/// The size that is the whole model.
inline constexpr std::string_view kWholeSize = "full";

bool is_nested_file(const ModelFile& file);

/// From the smallest to the whole. `whole` is the config that the file says. kCorrupt unless each contains the one
/// before, and the last is the whole.
Result<std::vector<NestedSize>> read_sizes(const Gguf& file, const ModelConfig& whole);

/// The model of one size: the one that `slice` makes of the whole, to the byte of every tensor. Tensors of several
/// slabs are put together in memory, the others are read where they lie. An empty `size` stands for a file that has
/// only one, which is bound as it is; a file of the other kind is an error (kUsage), as is a name that the file does
/// not have. kCorrupt: slabs that are missing or misshapen, all listed. kTooLarge: no memory.
///
/// kToRun: an embedding that is no output, read a row at a time, stays in its pieces too (BoundTensor::pieces).
/// kShapesOnly: nothing but metadata is read, and the tensors have no data.
enum class Join : uint8_t { kData, kToRun, kShapesOnly };
Result<BoundModel> bind_size(std::shared_ptr<const ModelFile> file, const std::string& size, Join join = Join::kData);

/// The whole model, of a file of either kind.
Result<BoundModel> bind_whole(std::shared_ptr<const ModelFile> file, Join join = Join::kData);

}  // namespace adder
