#include "core/nest/column_runs.h"

#include <algorithm>

namespace adder {

std::vector<ColumnRun> column_runs(const std::vector<int64_t>& cols, int64_t length) {
  if (cols.empty()) return {{0, length}};
  std::vector<ColumnRun> runs;
  for (const int64_t col : cols) {
    if (!runs.empty() && runs.back().begin + runs.back().length == col)
      ++runs.back().length;
    else
      runs.push_back({col, 1});
  }
  return runs;
}

bool fall_in_blocks(const std::vector<ColumnRun>& runs, int64_t block) {
  return std::ranges::all_of(runs,
                             [&](const ColumnRun& run) { return run.begin % block == 0 && run.length % block == 0; });
}

void append_columns(const TensorView& tensor, int64_t row, const std::vector<ColumnRun>& runs,
                    std::vector<std::byte>& out) {
  const std::byte* const stored = tensor.row(row);
  for (const ColumnRun& run : runs) {
    const std::byte* const begin = stored + storage_bytes(tensor.dtype, run.begin);
    out.insert(out.end(), begin, begin + storage_bytes(tensor.dtype, run.length));
  }
}

}  // namespace adder
