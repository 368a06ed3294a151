#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace adder {

/// "2GiB", "500MB", "1.5 GB", "65536": a number of at least one byte and a unit, in any case: none or B, kB, MB, GB, TB
/// (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024). A fraction of a byte is dropped. kUsage for anything else.
Result<int64_t> parse_byte_size(std::string_view text);

/// For people, in powers of 1000 and a few digits: "812 B", "34.2 kB", "85.0 MB".
std::string byte_size_text(int64_t bytes);

}  // namespace adder
