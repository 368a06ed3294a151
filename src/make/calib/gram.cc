#include "make/calib/gram.h"

#include <algorithm>

namespace adder {

Gram empty_gram(int64_t width, int64_t columns) {
  Gram gram;
  gram.block = std::min(width, columns);
  gram.values.resize(static_cast<size_t>(width * gram.block));
  return gram;
}

void add_products(Gram& gram, const float* x, int64_t n, ThreadPool& pool) {
  const int64_t width = gram.width();
  pool.parallel_for(width, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i - i % gram.block, last = std::min(first + gram.block, width);
      float* const row = &gram.values[static_cast<size_t>(i * gram.block)];
      for (const float* input = x; input != x + n * width; input += width) {
        const float xi = input[i];
        if (xi == 0) continue;  // squared ReLU leaves many
        for (int64_t j = i; j < last; ++j) row[j - first] += xi * input[j];
      }
    }
  });
}

void complete(Gram& gram) {
  const int64_t width = gram.width();
  for (int64_t i = 0; i < width; ++i) {
    const int64_t first = i - i % gram.block;
    for (int64_t j = first; j < i; ++j)
      gram.values[static_cast<size_t>(i * gram.block + j - first)] =
          gram.values[static_cast<size_t>(j * gram.block + i - first)];
  }
}

}  // namespace adder
