#pragma once

#include "run/kernels/x86/bodies/dot.h"
#include "run/kernels/x86/flat.h"

namespace adder::ADDER_LEVEL {
namespace {

/// Queries of one KV head that pass over its pages together, each with its online softmax so far.
constexpr int kQueries = 12;

struct Query {
  float* out;
  int64_t n_keys;
  float max, sum;
};
struct QueryGroup {
  int n = 0;
  const float* q[kQueries];
  Query state[kQueries];
};

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

template <class E>
void attend(const AttentionArgs& a, QueryGroup& group, int64_t kv_head) {
  const int64_t D = a.head_dim;
  int64_t n_keys = 0;
  for (int i = 0; i < group.n; ++i) {
    n_keys = group.state[i].n_keys > n_keys ? group.state[i].n_keys : n_keys;
    for (int64_t d = 0; d < D; d += kWidth) store(group.state[i].out + d, zero(), D - d);
  }
  for (int64_t first = 0; first < n_keys; first += kKeyBlock) {
    const E* k = reinterpret_cast<const E*>(a.k_pages[first / kKeyBlock]) + kv_head * kKeyBlock * D;
    const E* v = reinterpret_cast<const E*>(a.v_pages[first / kKeyBlock]) + kv_head * kKeyBlock * D;
    alignas(64) float scores[kQueries * kKeyBlock];
    dot_matrix(Matrix<E>{k, D, smaller(kKeyBlock, n_keys - first)}, Scattered{group.q, group.n}, D, scores, 1,
               kKeyBlock);
    for (int i = 0; i < group.n; ++i) {
      Query& query = group.state[i];
      const int64_t seen = smaller(kKeyBlock, query.n_keys - first);
      if (seen <= 0) continue;
      float* p = scores + i * kKeyBlock;
      const F rescale = set1(softmax_page(p, seen, a.scale, query));
      for (int64_t d = 0; d < D; d += kWidth) store(query.out + d, mul(load(query.out + d, D - d), rescale), D - d);
      mix(p, seen, v, D, query.out, D);
    }
  }
  for (int i = 0; i < group.n; ++i) {
    float* out = group.state[i].out;
    const F sum = set1(group.state[i].sum);
    for (int64_t d = 0; d < D; d += kWidth) store(out + d, div(load(out + d, D - d), sum), D - d);
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
    default:
      attend<float>(a, group, kv_head);
      break;
  }
  group.n = 0;
}

/// Items of one KV head lie apart (item = t * n_heads + head): they are gathered from the range, tokens in order.
void attention(const AttentionArgs& a, int64_t begin, int64_t end) {
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
