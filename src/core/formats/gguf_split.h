#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace adder {

// A model split over several GGUF files as llama.cpp does it: each is a GGUF file with its share of the tensors, the
// first has all metadata, and every one these three keys. The files' names must be what `split_path` makes them.
inline constexpr std::string_view kSplitNoKey = "split.no";                  ///< u16, from 0
inline constexpr std::string_view kSplitCountKey = "split.count";            ///< u16
inline constexpr std::string_view kSplitTensorsKey = "split.tensors.count";  ///< i32, of all files together
inline constexpr size_t kMaxSplits = 65535;

/// dir/model.gguf -> dir/model-00002-of-00003.gguf for the second (no = 1) of three.
std::filesystem::path split_path(const std::filesystem::path& model, size_t no, size_t count);

/// The inverse: dir/model-00002-of-00003.gguf -> dir/model.gguf. Empty when the name is not that of file `no` of
/// `count`.
std::filesystem::path unsplit_path(const std::filesystem::path& file, size_t no, size_t count);

}  // namespace adder
