#include "run/model/mixers.h"

namespace adder {

/// y = W_down relu(W_up u)^2 (arXiv 2109.08668), no gate.
void mlp(const Batch& batch, const MlpWeights& weights, const float* u, float* y) {
  float* const inner = batch.wide;
  batch.linear(weights.up, u, inner, batch.n_tokens);
  batch.elementwise(batch.n_tokens * n_rows(weights.up),
                    [&](int64_t begin, int64_t end) { batch.ops().relu2(inner, begin, end); });
  batch.linear(weights.down, inner, y, batch.n_tokens);
}

}  // namespace adder
