#pragma once

#include "run/kernels/x86/bodies/dot.h"
#include "run/kernels/x86/bodies/tile.h"
#include "run/kernels/x86/flat.h"

namespace adder::ADDER_LEVEL {
namespace {

/// Queries of one KV head that pass over its pages together, each with its online softmax so far. For more than a tile
/// of them keys and values are first unpacked, two registers wide and side by side.
constexpr int kQueries = 10 * kTileHeight;

struct Query {
  float* out;
  int64_t n_keys;
  float max, sum;
};
struct QueryGroup {
  int n = 0;
  const float* q[kQueries];
  Query state[kQueries];

  /// Past the end the last one again.
  int row(int i) const { return i < n ? i : n - 1; }
};

constexpr int64_t kPair = 2 * kWidth;
constexpr int64_t kDims = 128;  // of a key unpacked at once

/// The keys or values of one head in the next page lie elsewhere: they are fetched a strip's share at a time.
struct NextPage {
  const char* at = nullptr;
  int64_t bytes = 0;

  void fetch(int64_t strip, int64_t n_strips) const {
    const int64_t share = (bytes / n_strips + 63) / 64 * 64;
    for (int64_t i = strip * share; i < smaller(bytes, (strip + 1) * share); i += 64) prefetch(at + i);
  }
};

/// scores[i][j] = q_i . k_j of a page, k its head's [D, kKeyBlock], in whole strips that hold the first n keys: what
/// lies behind key n is not a score.
template <class E>
inline void page_scores(const QueryGroup& group, const E* k, int64_t D, int64_t n, const NextPage& next, float* strip,
                        float* scores) {
  const bool unpack = group.n > kTileHeight;
  for (int64_t j = 0; j < n; j += kPair) {
    next.fetch(j / kPair, kKeyBlock / kPair);
    for (int64_t d = 0; d < D; d += kDims) {
      const int64_t depth = smaller(kDims, D - d);
      const E* at = k + d * kKeyBlock + j;
      if (unpack) pack_strip<2>(at, kKeyBlock, depth, kPair, strip);
      for (int first = 0; first < group.n; first += kTileHeight) {
        RowByRow q;
        Tile<2> tile;
        for (int r = 0; r < kTileHeight; ++r) {
          const int i = group.row(first + r);
          q.rows[r] = group.q[i] + d;
          for (int half = 0; half < 2; ++half)
            store(tile.at(r, half), d > 0 ? load(scores + i * kKeyBlock + j + half * kWidth) : zero());
        }
        unpack ? accumulate(q, strip, kPair, depth, tile) : accumulate(q, at, kKeyBlock, depth, tile);
        for (int r = 0; r < kTileHeight && first + r < group.n; ++r) {
          for (int half = 0; half < 2; ++half)
            store(scores + (first + r) * kKeyBlock + j + half * kWidth, load(tile.at(r, half)));
        }
      }
    }
  }
}

/// Scores of the first n keys of a page become weights (zero for the others); returns the factor for the output so far.
inline float softmax_page(float* scores, int64_t n, float scale, Query& query) {
  const float lowest = -__builtin_inff();
  for (int64_t j = 0; j < n; j += kWidth) store(scores + j, mul(load(scores + j), set1(scale)));
  for (int64_t j = n; j < kKeyBlock; ++j) scores[j] = lowest;
  F highest = set1(query.max);
  for (int64_t j = 0; j < kKeyBlock; j += kWidth) highest = max(highest, load(scores + j));
  float lanes[kWidth];
  store(lanes, highest);
  float new_max = lanes[0];
  for (const float lane : lanes) new_max = new_max < lane ? lane : new_max;

  for (int64_t j = 0; j < kKeyBlock; j += kWidth) store(scores + j, exp(sub(load(scores + j), set1(new_max))));
  const float rescale = exp(query.max - new_max);
  query.sum = __builtin_fmaf(query.sum, rescale, sum16(scores, kKeyBlock));
  query.max = new_max;
  return rescale;
}

/// Two registers of the outputs of a tile of queries, o = o * rescale + sum over j of p_j v_j for the keys each sees:
/// all see `common`, then each goes on alone. v is a strip [.., stride] of which `left` columns count.
template <class E>
inline void mix_values(const QueryGroup& group, int first, const float* scores, const float* rescale,
                       const int64_t* seen, const E* v, int64_t stride, int64_t d, int64_t left) {
  RowByRow p;
  Tile<2> tile;
  int64_t common = kKeyBlock;
  for (int r = 0; r < kTileHeight; ++r) {
    const int i = group.row(first + r);
    p.rows[r] = scores + i * kKeyBlock;
    common = smaller(common, seen[i]);
    for (int half = 0; half < 2; ++half) {
      const F out = load(group.state[i].out + d + half * kWidth, left - half * kWidth);
      store(tile.at(r, half), mul(out, set1(rescale[i])));
    }
  }
  accumulate(p, v, stride, common, tile);
  for (int r = 0; r < kTileHeight && first + r < group.n; ++r) {
    for (int half = 0; half < 2; ++half) {
      F out = load(tile.at(r, half));
      for (int64_t j = common; j < seen[first + r]; ++j)
        out = fma(set1(p.rows[r][j]), load(v + j * stride + half * kWidth), out);
      store(group.state[first + r].out + d + half * kWidth, out, left - half * kWidth);
    }
  }
}

/// A page's values, v its head's [kKeyBlock, D], of which n are seen, into the outputs of all queries.
template <class E>
inline void page_values(const QueryGroup& group, const float* scores, const float* rescale, const int64_t* seen,
                        const E* v, int64_t D, int64_t n, const NextPage& next, float* strip) {
  for (int64_t d = 0; d < D; d += kPair) {
    next.fetch(d / kPair, (D + kPair - 1) / kPair);
    const bool unpack = group.n > kTileHeight || D - d < kPair;
    if (unpack) pack_strip<2>(v + d, D, n, D - d, strip);
    for (int first = 0; first < group.n; first += kTileHeight) {
      unpack ? mix_values(group, first, scores, rescale, seen, strip, kPair, d, D - d)
             : mix_values(group, first, scores, rescale, seen, v + d, D, d, D - d);
    }
  }
}

template <class E>
void attend(const AttentionArgs& a, QueryGroup& group, int64_t kv_head) {
  const int64_t D = a.head_dim;
  int64_t n_keys = 0;
  for (int i = 0; i < group.n; ++i) {
    n_keys = group.state[i].n_keys > n_keys ? group.state[i].n_keys : n_keys;
    for (int64_t d = 0; d < D; d += kWidth) store(group.state[i].out + d, zero(), D - d);
  }
  alignas(64) float strip[kDims * kPair], scores[kQueries * kKeyBlock];
  static_assert(kDims >= kKeyBlock);
  for (int64_t first = 0; first < n_keys; first += kKeyBlock) {
    const E* k = reinterpret_cast<const E*>(a.k_pages[first / kKeyBlock]) + kv_head * D * kKeyBlock;
    const E* v = reinterpret_cast<const E*>(a.v_pages[first / kKeyBlock]) + kv_head * kKeyBlock * D;
    const int64_t n = smaller(kKeyBlock, n_keys - first);
    const bool more = first + kKeyBlock < n_keys;
    const int64_t bytes = D * kKeyBlock * static_cast<int64_t>(sizeof(E));
    const auto next = [&](const std::byte* const* pages) {
      return more ? NextPage{reinterpret_cast<const char*>(pages[first / kKeyBlock + 1]) + kv_head * bytes, bytes}
                  : NextPage{};
    };
    page_scores(group, k, D, n, next(a.k_pages), strip, scores);
    float rescale[kQueries];
    int64_t seen[kQueries];
    for (int i = 0; i < group.n; ++i) {
      seen[i] = smaller(kKeyBlock, group.state[i].n_keys - first);
      if (seen[i] < 0) seen[i] = 0;
      rescale[i] = seen[i] > 0 ? softmax_page(scores + i * kKeyBlock, seen[i], a.scale, group.state[i]) : 1.0f;
    }
    page_values(group, scores, rescale, seen, v, D, n, next(a.v_pages), strip);
  }
  for (int i = 0; i < group.n; ++i) {
    float* out = group.state[i].out;
    const F sum = set1(group.state[i].sum), v_scale = set1(a.v_scale);
    for (int64_t d = 0; d < D; d += kWidth) store(out + d, mul(div(load(out + d, D - d), sum), v_scale), D - d);
  }
}

void attend_any(const AttentionArgs& a, QueryGroup& group, int64_t kv_head) {
  if (group.n == 0) return;
  switch (a.kv_type) {
    case DType::kF16:
      attend<Half>(a, group, kv_head);
      break;
    case DType::kBF16:
      attend<BFloat>(a, group, kv_head);
      break;
    case DType::kF8E4M3:
      attend<Quarter>(a, group, kv_head);
      break;
    default:
      attend<float>(a, group, kv_head);
      break;
  }
  group.n = 0;
}

/// Items of one KV head lie apart (item = t * n_heads + head): they are gathered from the range, tokens in order.
void attention(const AttentionArgs& args, int64_t begin, int64_t end) {
  AttentionArgs a = args;
  if (a.kv_type == DType::kF8E4M3) {
    a.scale *= 0x1p8f;
    a.v_scale *= 0x1p8f;
  }
  const int64_t heads_per_kv = a.n_heads / a.n_kv_heads;
  QueryGroup group;
  for (int64_t kv_head = 0; kv_head < a.n_kv_heads; ++kv_head) {
    for (int64_t t = begin / a.n_heads; t * a.n_heads < end; ++t) {
      for (int64_t head = kv_head * heads_per_kv; head < (kv_head + 1) * heads_per_kv; ++head) {
        const int64_t item = t * a.n_heads + head;
        if (item < begin || item >= end) continue;
        group.q[group.n] = a.q + item * a.head_dim;
        group.state[group.n] = {a.out + item * a.head_dim, a.position + t + 1, -__builtin_inff(), 0.0f};
        if (++group.n == kQueries) attend_any(a, group, kv_head);
      }
    }
    attend_any(a, group, kv_head);
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
