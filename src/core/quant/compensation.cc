#include "core/quant/compensation.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/quant/codec.h"
#include "core/quant/levels.h"
#include "core/quant/search.h"

namespace adder {
namespace {

/// Of a symmetric G [n, n], whose upper triangle is given: leaves U above the diagonal, D on it, taking the columns
/// from the last to the first. False if G is not positive definite.
bool factorise(std::vector<double>& g, size_t n) {
  std::vector<double> column(n);
  for (size_t k = n; k-- > 0;) {
    const double d = g[k * n + k];
    if (!(d > 0) || !std::isfinite(d)) return false;
    for (size_t j = 0; j < k; ++j) {
      column[j] = g[j * n + k];
      g[j * n + k] /= d;
    }
    for (size_t i = 0; i < k; ++i) {
      const double u = g[i * n + k];
      for (size_t j = i; j < k; ++j) g[i * n + j] -= u * column[j];
    }
  }
  return true;
}

/// sum += sum_{j < n} u_j e_j in each lane.
void add_products(const float* u, const Lane8* e, size_t n, Lane8& sum) {
  Lane8 odd{};
  size_t j = 0;
  for (; j + 2 <= n; j += 2) {
    for (size_t lane = 0; lane < kLanes; ++lane) sum.v[lane] += u[j] * e[j].v[lane];
    for (size_t lane = 0; lane < kLanes; ++lane) odd.v[lane] += u[j + 1] * e[j + 1].v[lane];
  }
  for (; j < n; ++j)
    for (size_t lane = 0; lane < kLanes; ++lane) sum.v[lane] += u[j] * e[j].v[lane];
  for (size_t lane = 0; lane < kLanes; ++lane) sum.v[lane] += odd.v[lane];
}

}  // namespace

/// Eight rows at work, column by column.
struct Compensation::Tile {
  explicit Tile(size_t width) : w(width), wanted(width), error(width) {}
  std::vector<Lane8> w;       ///< as given
  std::vector<Lane8> wanted;  ///< w'
  std::vector<Lane8> error;   ///< w - q, of the columns that are done
};

Result<Compensation> Compensation::from_gram(std::span<const float> gram, int64_t width, int64_t block,
                                             double damping) {
  const auto n_columns = static_cast<size_t>(width), stride = static_cast<size_t>(block);
  CHECK(gram.size() == n_columns * stride && (block >= width || block % 256 == 0), "{} of {} columns, squares of {}",
        gram.size(), width, block);
  Compensation result;
  result.block_ = std::min(stride, n_columns);
  result.columns_.resize(n_columns * result.block_);
  result.weights_.resize(n_columns);
  for (size_t first = 0; first < n_columns; first += stride) {
    const size_t n = std::min(stride, n_columns - first);
    std::vector<double> g(n * n);
    double trace = 0;
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = i; j < n; ++j) g[i * n + j] = static_cast<double>(gram[(first + i) * stride + j]);
      trace += g[i * n + i];
    }
    // Without any input all columns count alike.
    const double added = trace > 0 ? damping * trace / static_cast<double>(n) : 1;
    for (size_t i = 0; i < n; ++i) g[i * n + i] += added;
    if (!factorise(g, n)) return Error::corrupt("columns {} to {}: no matrix of mean products", first, first + n - 1);
    for (size_t k = 0; k < n; ++k) {
      for (size_t j = 0; j < k; ++j)
        result.columns_[(first + k) * result.block_ + j] = static_cast<float>(g[j * n + k]);
      result.weights_[first + k] = static_cast<float>(g[k * n + k]);
    }
  }
  return result;
}

Status Compensation::encode_tile(DType type, Tile& tile, std::byte* out, size_t row_bytes) const {
  const auto size = static_cast<size_t>(info(type).block_size), bytes = static_cast<size_t>(info(type).block_bytes);
  std::vector<float> x(kLanes * size), low(kLanes * size), step(kLanes * size), weights(kLanes * size);
  std::vector<uint8_t> levels(kLanes * size);
  std::vector<std::byte> blocks(kLanes * bytes);
  for (size_t begin = 0; begin < weights_.size(); begin += size) {
    const size_t square = begin - begin % block_;  // the first column that is compensated for
    for (size_t k = begin; k < begin + size; ++k) {
      tile.wanted[k] = tile.w[k];
      add_products(column(k).data(), &tile.error[square], begin - square, tile.wanted[k]);
      for (size_t lane = 0; lane < kLanes; ++lane) {
        x[lane * size + k - begin] = tile.wanted[k].v[lane];
        weights[lane * size + k - begin] = weights_[k];
      }
    }
    // Short blocks are encoded eight at a time, one to a lane, so the blocks of all rows go together.
    if (size * kLanes <= 256) {
      TRY(adder::encode(type, x, weights, blocks.data()));
    } else {
      for (size_t lane = 0; lane < kLanes; ++lane)
        TRY(adder::encode(type, std::span(x).subspan(lane * size, size), std::span(weights).first(size),
                          &blocks[lane * bytes]));
    }
    for (size_t lane = 0; lane < kLanes; ++lane)
      level_range(type, &blocks[lane * bytes], std::span(low).subspan(lane * size, size),
                  std::span(step).subspan(lane * size, size));
    for (size_t k = begin; k < begin + size; ++k) {
      add_products(&column(k)[begin - square], &tile.error[begin], k - begin, tile.wanted[k]);
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const size_t at = lane * size + k - begin;
        levels[at] =
            step[at] == 0 ? uint8_t{0} : nearest_to_position(type, (tile.wanted[k].v[lane] - low[at]) / step[at]);
        tile.error[k].v[lane] =
            tile.w[k].v[lane] - (low[at] + step[at] * static_cast<float>(position_of(type, levels[at])));
      }
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      std::byte* const block = out + lane * row_bytes + begin / size * bytes;
      std::copy_n(&blocks[lane * bytes], bytes, block);
      set_levels(type, block, std::span(levels).subspan(lane * size, size));
    }
  }
  return {};
}

Status Compensation::encode(DType type, std::span<const float> rows, int64_t first_row, std::byte* out) const {
  CHECK(has_levels(type) && rows.size() % weights_.size() == 0, "{}, {} numbers", name(type), rows.size());
  const size_t n = rows.size() / weights_.size(), row_bytes = storage_bytes(type, width());
  const float largest = largest_encodable(type);
  const auto bad = std::ranges::find_if_not(rows, [&](float v) { return std::fabs(v) <= largest; });
  if (bad != rows.end()) {
    const int64_t at = bad - rows.begin();
    return Error::corrupt("row {}: element {} is {}, {} holds magnitudes up to {}", first_row + at / width(),
                          at % width(), *bad, name(type), largest);
  }
  std::vector<std::byte> eight(kLanes * row_bytes);
  Tile tile(weights_.size());
  for (size_t first = 0; first < n; first += kLanes) {
    const size_t used = std::min(kLanes, n - first);
    for (size_t k = 0; k < weights_.size(); ++k)
      for (size_t lane = 0; lane < kLanes; ++lane)
        tile.w[k].v[lane] = lane < used ? rows[(first + lane) * weights_.size() + k] : 0.0f;
    if (auto done = encode_tile(type, tile, eight.data(), row_bytes); !done)
      return std::move(done).error().in(
          fmt::format("in the eight from row {} on", first_row + static_cast<int64_t>(first)));
    std::copy_n(eight.data(), used * row_bytes, out + first * row_bytes);
  }
  return {};
}

double Compensation::squared(std::span<const float> row) const {
  double sum = 0;
  for (size_t k = 0; k < weights_.size(); ++k) {
    const size_t square = k - k % block_;
    double along = row[k];
    for (size_t j = square; j < k; ++j) along += static_cast<double>(column(k)[j - square]) * row[j];
    sum += weights_[k] * along * along;
  }
  return sum;
}

}  // namespace adder
