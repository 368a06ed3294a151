#include <vector>

#include "core/quant/codec.h"
#include "run/kernels/ref/ref.h"

namespace adder::ref {

void linear(const LinearArgs& a, int64_t begin, int64_t end) {
  const int64_t n_cols = a.w.shape.row_length(), n_rows = a.w.shape.rows();
  std::vector<float> row(static_cast<size_t>(n_cols));
  for (int64_t r = begin; r < end; ++r) {
    decode(a.w.dtype, a.w.row(r), row);
    for (int64_t t = 0; t < a.n_tokens; ++t) a.y[t * n_rows + r] = dot16(row.data(), a.x + t * n_cols, n_cols);
  }
}

}  // namespace adder::ref
