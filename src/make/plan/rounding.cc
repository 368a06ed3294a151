#include "make/plan/rounding.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "core/quant/codec.h"

namespace adder {
namespace {

constexpr int64_t kMostGroups = 64;

/// Neighbouring rows that are rounded in one go.
struct RowGroup {
  int64_t first, rows;
};

/// visit(i, before, after) for groups[i], each decoded, rounded and decoded again.
template <class Visit>
Status round_groups(const TensorView& w, DType type, const RowRounding& rounding, std::span<const RowGroup> groups,
                    ThreadPool& pool, const Visit& visit) {
  std::mutex mutex;
  std::optional<Error> error;
  pool.parallel_for(static_cast<int64_t>(groups.size()), 1, [&](int64_t begin, int64_t end) {
    const int64_t width = w.shape.row_length();
    std::vector<float> before, after;
    std::vector<std::byte> blocks(storage_bytes(type, RowRounding::kRows * width));
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const auto [first, rows] = groups[i];
      before.resize(static_cast<size_t>(rows * width));
      after.resize(before.size());
      decode(w.dtype, w.row(first), before);
      if (auto done = rounding.encode(type, before, first, blocks.data()); !done) {
        std::lock_guard lock(mutex);
        if (!error) error = std::move(done).error();
        return;
      }
      decode(type, blocks.data(), after);
      visit(i, before, after);
    }
  });
  return error ? Status(*error) : Status();
}

std::vector<RowGroup> all_groups(int64_t rows) {
  std::vector<RowGroup> groups;
  for (int64_t first = 0; first < rows; first += RowRounding::kRows)
    groups.push_back({first, std::min(RowRounding::kRows, rows - first)});
  return groups;
}

}  // namespace

Result<std::vector<float>> rounded(const TensorView& w, DType type, const RowRounding& rounding, ThreadPool& pool) {
  std::vector<float> values(static_cast<size_t>(w.shape.elements()));
  const std::vector<RowGroup> groups = all_groups(w.shape.rows());
  TRY(round_groups(w, type, rounding, groups, pool, [&](size_t i, const auto&, const std::vector<float>& after) {
    std::ranges::copy(after, values.begin() + groups[i].first * w.shape.row_length());
  }));
  return values;
}

Result<double> relative_error(const TensorView& w, DType type, const RowRounding& rounding, ThreadPool& pool) {
  const std::vector<RowGroup> all = all_groups(w.shape.rows());
  std::vector<RowGroup> groups(std::min(static_cast<size_t>(kMostGroups), all.size()));
  for (size_t i = 0; i < groups.size(); ++i) groups[i] = all[i * all.size() / groups.size()];
  std::vector<double> errors(groups.size()), squares(groups.size());
  TRY(round_groups(w, type, rounding, groups, pool, [&](size_t i, std::vector<float>& before, const auto& after) {
    const auto width = static_cast<size_t>(w.shape.row_length());
    for (size_t begin = 0; begin < before.size(); begin += width) {
      const std::span<float> row = std::span(before).subspan(begin, width);
      squares[i] += rounding.squared(row);
      for (size_t c = 0; c < width; ++c) row[c] -= after[begin + c];
      errors[i] += rounding.squared(row);
    }
  }));
  double error = 0, square = 0;  // in order, so that the number of threads changes nothing
  for (size_t i = 0; i < groups.size(); ++i) {
    error += errors[i];
    square += squares[i];
  }
  return square > 0 ? error / square : 0;
}

}  // namespace adder
