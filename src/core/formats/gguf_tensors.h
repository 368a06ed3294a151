#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/formats/byte_reader.h"
#include "core/tensor/tensor.h"

namespace adder {

/// Reads the list of `count` tensors, with which a GGUF header ends, and places them in the data section that begins
/// at the next multiple of `alignment`. `file` is the whole file. Refused: names that are empty, twice there or not
/// UTF-8; 0 or more than 4 dims, a dim of 0, sizes that overflow; types adder has no codec for (kUnsupported, by
/// name); rows that are not whole blocks; offsets that are unaligned, past the end or inside another tensor.
Result<std::vector<NamedTensor>> read_gguf_tensors(ByteReader& in, uint64_t count, uint64_t alignment,
                                                   std::span<const std::byte> file);

/// Where the data section begins in a file of `file_bytes` whose header ends at `header_end`. A file that ends with its
/// header, unpadded, has an empty data section.
size_t gguf_data_begin(size_t header_end, uint64_t alignment, size_t file_bytes);

}  // namespace adder
