#pragma once

#include <cstdint>
#include <vector>

#include "core/base/threads.h"

namespace adder {

/// How the inputs of one matrix vary together: sums of products x_i x_j of all pairs of columns that lie in the same
/// square of `block` columns along the diagonal. `values` is [width, block]: row i holds the products with columns
/// i - i mod block onwards, 0 beyond the last column. With block = width it is the whole Gram matrix.
struct Gram {
  int64_t block = 0;
  std::vector<float> values;

  int64_t width() const { return block == 0 ? 0 : static_cast<int64_t>(values.size()) / block; }
  bool operator==(const Gram&) const = default;
};

/// Squares of at most `columns` columns for a matrix of this width.
Gram empty_gram(int64_t width, int64_t columns);

/// Adds the upper triangles of n inputs, x [n, width], on the threads of `pool`.
void add_products(Gram& gram, const float* x, int64_t n, ThreadPool& pool);

/// Copies the upper triangles to the lower ones.
void complete(Gram& gram);

}  // namespace adder
