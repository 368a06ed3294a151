#include "make/plan/rounding.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "core/quant/codec.h"

namespace adder {
namespace {

constexpr int64_t kMostRows = 512;

/// visit(i, before, after) for rows[i], each decoded, rounded and decoded again.
template <class Visit>
Status round_rows(const TensorView& w, DType type, std::span<const float> importance, std::span<const int64_t> rows,
                  ThreadPool& pool, const Visit& visit) {
  std::mutex mutex;
  std::optional<Error> error;
  pool.parallel_for(static_cast<int64_t>(rows.size()), 1, [&](int64_t begin, int64_t end) {
    std::vector<float> before(static_cast<size_t>(w.shape.row_length())), after(before.size());
    std::vector<std::byte> blocks(storage_bytes(type, w.shape.row_length()));
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      decode(w.dtype, w.row(rows[i]), before);
      if (auto done = encode(type, before, importance, blocks.data()); !done) {
        std::lock_guard lock(mutex);
        if (!error) error = std::move(done).error().in(fmt::format("row {}", rows[i]));
        return;
      }
      decode(type, blocks.data(), after);
      visit(i, before, after);
    }
  });
  return error ? Status(*error) : Status();
}

}  // namespace

Result<std::vector<float>> rounded(const TensorView& w, DType type, std::span<const float> importance,
                                   ThreadPool& pool) {
  std::vector<float> values(static_cast<size_t>(w.shape.elements()));
  std::vector<int64_t> rows(static_cast<size_t>(w.shape.rows()));
  for (size_t r = 0; r < rows.size(); ++r) rows[r] = static_cast<int64_t>(r);
  TRY(round_rows(w, type, importance, rows, pool, [&](size_t i, const auto&, const std::vector<float>& after) {
    std::ranges::copy(after, values.begin() + static_cast<std::ptrdiff_t>(i * after.size()));
  }));
  return values;
}

Result<double> relative_error(const TensorView& w, DType type, std::span<const float> importance, ThreadPool& pool) {
  std::vector<int64_t> rows(static_cast<size_t>(std::min(kMostRows, w.shape.rows())));
  for (size_t i = 0; i < rows.size(); ++i)
    rows[i] = static_cast<int64_t>(i) * w.shape.rows() / static_cast<int64_t>(rows.size());
  std::vector<double> errors(rows.size()), squares(rows.size());
  TRY(round_rows(w, type, importance, rows, pool, [&](size_t i, const auto& before, const auto& after) {
    for (size_t c = 0; c < before.size(); ++c) {
      const double weight = importance.empty() ? 1.0 : importance[c], x = before[c], moved = x - after[c];
      errors[i] += weight * moved * moved;
      squares[i] += weight * x * x;
    }
  }));
  double error = 0, square = 0;  // in order, so that the number of threads changes nothing
  for (size_t i = 0; i < rows.size(); ++i) {
    error += errors[i];
    square += squares[i];
  }
  return square > 0 ? error / square : 0;
}

}  // namespace adder
