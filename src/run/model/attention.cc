#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "run/model/mixers.h"

namespace adder {
namespace {

/// Queries of one piece of work. Later queries see more keys, and threads share a piece evenly by count, so pieces are
/// short against the keys they see.
constexpr int64_t kQueryBlock = 64;

/// Keys head by head, so that what their scattered elements touch stays in the first cache.
void append(KvPages& pages, int64_t position, int64_t n, int64_t n_kv_heads, int64_t head_dim, const Ops& ops,
            const AttentionWeights& weights, const float* k, const float* v) {
  const DType type = pages.kv_type();
  const size_t size = storage_bytes(type, 1);
  constexpr int64_t kPiece = 64;
  std::array<std::byte, kPiece * sizeof(float)> piece;
  for (int64_t head = 0; head < n_kv_heads; ++head) {
    for (int64_t t = 0; t < n; ++t) {
      const int64_t at = (t * n_kv_heads + head) * head_dim;
      ops.to_kv(type, weights.v_scale, v + at, pages.value(position + t, head), head_dim);
      std::byte* element = pages.key(position + t, head);
      for (int64_t d = 0; d < head_dim; d += kPiece) {
        const int64_t some = std::min(kPiece, head_dim - d);
        ops.to_kv(type, weights.k_scale, k + at + d, piece.data(), some);
        for (int64_t i = 0; i < some; ++i, element += kKeyBlock * size)
          std::memcpy(element, piece.data() + static_cast<size_t>(i) * size, size);
      }
    }
  }
}

}  // namespace

/// Grouped-query attention (arXiv 2305.13245), causal, without positional encoding.
void attention(const Batch& batch, const AttentionWeights& weights, int64_t index, const float* u, float* y) {
  const ModelConfig& config = batch.config();
  const int64_t n_heads = config.num_attention_heads, head_dim = config.head_dim;
  const int64_t q_width = config.q_rows(), kv_width = n_rows(weights.k), n_kv_heads = kv_width / head_dim;
  float* const q = batch.wide;
  float* const k = q + batch.n_tokens * q_width;
  float* const v = k + batch.n_tokens * kv_width;
  float* const o = batch.narrow;

  batch.linear(weights.q, u, q, batch.n_tokens);
  batch.linear(weights.k, u, k, batch.n_tokens);
  batch.linear(weights.v, u, v, batch.n_tokens);

  for (const Batch::Rows& rows : batch.segments) {
    KvPages& pages = rows.sequence->kv(index);
    const int64_t position = rows.sequence->position();
    append(pages, position, rows.n, n_kv_heads, head_dim, batch.ops(), weights, k + rows.begin * kv_width,
           v + rows.begin * kv_width);

    for (int64_t i = 0; i < pages.n_pages(); ++i) {
      batch.k_pages[i] = pages.key_page(i);
      batch.v_pages[i] = pages.value_page(i);
    }
    const bool is_fp8 = pages.kv_type() == DType::kF8E4M3;
    const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
    for (int64_t done = 0; done < rows.n; done += kQueryBlock) {
      const int64_t row = rows.begin + done;
      const AttentionArgs args{.q = q + row * q_width,
                               .out = o + row * q_width,
                               .k_pages = batch.k_pages,
                               .v_pages = batch.v_pages,
                               .kv_type = pages.kv_type(),
                               .position = position + done,
                               .n_heads = n_heads,
                               .n_kv_heads = n_kv_heads,
                               .head_dim = head_dim,
                               .scale = is_fp8 ? scale * weights.k_scale : scale,
                               .v_scale = is_fp8 ? weights.v_scale : 1};
      // One piece for each thread, of whole groups of heads: every piece reads all the keys and values it sees.
      const int64_t items = std::min(kQueryBlock, rows.n - done) * n_heads, group = n_heads / n_kv_heads;
      const int64_t share = (items + batch.pool.size() - 1) / batch.pool.size();
      batch.pool.parallel_for(items, (share + group - 1) / group * group,
                              [&](int64_t begin, int64_t end) { batch.ops().attention(args, begin, end); });
    }
  }

  batch.linear(weights.o, o, y, batch.n_tokens);
}

}  // namespace adder
