#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor/tensor.h"

namespace adder {

/// Neighbours that stay neighbours: columns begin, begin + 1, ... of a parent's row.
struct ColumnRun {
  int64_t begin, length;
  bool operator==(const ColumnRun&) const = default;
};

/// The columns of a Selection as the fewest runs; an empty list is one run of all `length`.
std::vector<ColumnRun> column_runs(const std::vector<int64_t>& cols, int64_t length);

/// Whether each run begins and ends at a multiple of `block`, so that stored blocks can be copied.
bool fall_in_blocks(const std::vector<ColumnRun>& runs, int64_t block);

/// Appends these columns of a row as they are stored. The runs fall in the type's blocks.
void append_columns(const TensorView& tensor, int64_t row, const std::vector<ColumnRun>& runs,
                    std::vector<std::byte>& out);

}  // namespace adder
