#include <algorithm>
#include <cmath>

#include "run/model/mixers.h"

namespace adder {
namespace {

static_assert(kChunk <= kMaxChunk);

/// dt and cs of position i for heads [begin, end), from in_proj's row of steps.
void steps(const Batch& batch, const MambaWeights& weights, const float* row, MambaState& state, int64_t i,
           int64_t begin, int64_t end) {
  float* const dt = state.dt(i);
  float* const cs = state.cs(i);
  std::copy(row + begin, row + end, dt + begin);
  batch.ops().softplus(dt + begin, weights.dt_bias.data() + begin, end - begin);
  for (int64_t h = begin; h < end; ++h) {
    const float step = dt[h] * weights.a[static_cast<size_t>(h)];
    cs[h] = i > 0 ? step + state.cs(i - 1)[h] : step;
  }
}

/// The steps between the two projections for positions [first, first + n) of one chunk of one sequence.
/// p [n, in_proj_rows] = z | x B C | dt of these positions; y [n, d_inner].
void scan(const Batch& batch, const MambaWeights& weights, MambaState& state, int64_t first, int64_t n, const float* p,
          float* y) {
  const ModelConfig& config = batch.config();
  const Ops& ops = batch.ops();
  const int64_t n_heads = config.mamba_num_heads, d_inner = config.d_inner(), conv_dim = config.conv_dim();

  // Channels of the convolution and steps of the heads are independent: a thread takes its part of both.
  const ConvSiluArgs conv{.in = p + d_inner,
                          .in_stride = config.in_proj_rows(),
                          .log = state.pre_conv(first - (config.conv_kernel - 1)),
                          .w = weights.conv_w.data(),
                          .b = weights.conv_b.data(),
                          .out = state.post_conv(first),
                          .n_tokens = n,
                          .conv_dim = conv_dim,
                          .kernel = config.conv_kernel};
  const auto first_channel = [&](int64_t h) { return h == n_heads ? conv_dim : conv_dim * h / n_heads / 16 * 16; };
  batch.pool.parallel_for(n_heads, 1, [&](int64_t begin, int64_t end) {
    ops.conv_silu(conv, first_channel(begin), first_channel(end));
    for (int64_t i = 0; i < n; ++i) {
      const float* const dt = p + i * config.in_proj_rows() + d_inner + conv_dim;
      steps(batch, weights, dt, state, first + i, begin, end);
    }
  });

  const SsdOutputArgs output{.chunk = state.chunk(),
                             .c = state.post_conv(first) + d_inner + config.n_groups * config.ssm_state_size,
                             .c_stride = conv_dim,
                             .d = weights.d.data(),
                             .y = y,
                             .first = first,
                             .last = first + n};
  const SsdAdvanceArgs advance{output.chunk, kChunk};
  const bool full = first + n == kChunk;
  // Heads of a group share what is made of B and C, unless there are more threads than groups.
  const int64_t grain = batch.pool.size() <= config.n_groups ? n_heads / config.n_groups : 1;
  batch.pool.parallel_for(n_heads, grain, [&](int64_t begin, int64_t end) {
    ops.ssd_output(output, begin, end);
    if (full) ops.ssd_advance(advance, begin, end);
  });
  if (full) state.finish_chunk();
}

}  // namespace

/// Mamba-2 (arXiv 2405.21060): in-projection, causal convolution, scan, gated norm, out-projection.
void mamba(const Batch& batch, const MambaWeights& weights, int64_t index, const float* u, float* y) {
  const ModelConfig& config = batch.config();
  const int64_t d_inner = config.d_inner(), width = config.in_proj_rows();
  float* const p = batch.wide;
  float* const inner = batch.narrow;

  batch.linear(weights.in_proj, u, p, batch.n_tokens);

  for (const Batch::Rows& rows : batch.segments) {
    for (int64_t done = 0; done < rows.n;) {
      const int64_t first = (rows.sequence->position() + done) % kChunk;
      const int64_t n = std::min(rows.n - done, kChunk - first);
      const int64_t row = rows.begin + done;
      scan(batch, weights, rows.sequence->mamba(index), first, n, p + row * width, inner + row * d_inner);
      done += n;
    }
  }

  const GatedNormArgs gated{.y = inner,
                            .z = p,
                            .z_stride = width,
                            .w = weights.norm.data(),
                            .out = inner,
                            .d_inner = d_inner,
                            .n_groups = config.n_groups,
                            .eps = static_cast<float>(config.norm_eps)};
  batch.pool.parallel_for(batch.n_tokens * config.n_groups, 1,
                          [&](int64_t begin, int64_t end) { batch.ops().gated_norm(gated, begin, end); });

  batch.linear(weights.out_proj, inner, y, batch.n_tokens);
}

}  // namespace adder
