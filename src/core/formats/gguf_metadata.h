#pragma once

#include <cstdint>
#include <vector>

#include "core/formats/byte_reader.h"
#include "core/formats/gguf.h"

namespace adder {

/// Reads `count` key/value pairs of a GGUF file. Refused: keys that are empty, twice there, longer than 65535 bytes or
/// not UTF-8; unknown value types; arrays of arrays; bools other than 0 and 1; arrays of more than 2^24 elements (the
/// largest vocabularies have 2^18 tokens). Memory stays below nine times the bytes read.
Result<std::vector<GgufEntry>> read_gguf_metadata(ByteReader& in, uint64_t count);

}  // namespace adder
