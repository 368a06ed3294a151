#include "make/train/nn/causal_attention.h"

#include <cmath>
#include <limits>

#include "make/train/nn/maybe_tensor.h"
#include "make/train/nn/products.h"

namespace adder {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// Queries first .. first + n - 1 of T, which see keys 0 .. keys - 1.
struct Block {
  int64_t first, n, keys;
};
template <class Visit>
void for_blocks(int64_t steps, int64_t begin, Visit&& visit) {
  for (int64_t first = 0; first < steps; first += kAttentionBlock) {
    const int64_t n = std::min(kAttentionBlock, steps - first);
    visit(Block{first, n, begin + first + n});
  }
}

/// [B,T,KV R,D] as one matrix a key head, of the r-th query head beside it: [B,KV,T,D].
Tensor beside(const Tensor& q, int64_t kv, int64_t r) {
  return q.view({q.size(0), q.size(1), kv, -1, q.size(3)}).select(3, r).transpose(1, 2);
}
Tensor queries(const Tensor& q, const Block& block) {
  return q.narrow(2, block.first, block.n);
}
Tensor seen(const Tensor& k, const Block& block) {  // [B,S,KV,D] -> [B,KV,keys,D]
  return k.narrow(1, 0, block.keys).transpose(1, 2);
}

/// True where a query of the block may not look: [B or 1,1,n,keys].
Tensor hidden_keys(const Block& block, const Tensor& documents, torch::Device device) {
  const Tensor all = at::ones({1, 1, block.n, block.keys}, torch::dtype(torch::kBool).device(device));
  Tensor hidden = all.triu(block.keys - block.n + 1);
  if (!documents.defined()) return hidden;
  const Tensor of_keys = documents.narrow(1, 0, block.keys),
               asking = documents.narrow(1, block.keys - block.n, block.n);
  return hidden.logical_or(asking.unsqueeze(-1).ne(of_keys.unsqueeze(-2)).unsqueeze(1));
}

struct CausalAttention : torch::autograd::Function<CausalAttention> {
  static Tensor forward(AutogradContext* ctx, const Tensor& q, const Tensor& k, const Tensor& v,
                        const MaybeTensor& maybe_starts) {
    const Tensor& starts = maybe_starts.value;
    const int64_t kv = k.size(2), per_kv = q.size(2) / kv, begin = k.size(1) - q.size(1);
    const Tensor documents = starts.defined() ? starts.cumsum(1) : Tensor(), scaled = q * scale(q);
    Tensor o = at::empty(q.sizes(), q.options().requires_grad(false));
    tensor_list saved = {scaled, k, v};
    for_blocks(q.size(1), begin, [&](const Block& block) {
      const Tensor hidden = hidden_keys(block, documents, q.device());
      for (int64_t r = 0; r < per_kv; ++r) {
        Tensor scores = product(queries(beside(scaled, kv, r), block), seen(k, block).transpose(2, 3));
        const Tensor p = at::softmax(scores.masked_fill_(hidden, -std::numeric_limits<double>::infinity()), -1);
        product(queries(beside(o, kv, r), block), p, seen(v, block));
        saved.push_back(p);
      }
    });
    ctx->save_for_backward(saved);
    return o;
  }

  static tensor_list backward(AutogradContext* ctx, const tensor_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &scaled = saved[0], &k = saved[1], &v = saved[2];
    const int64_t kv = k.size(2), per_kv = scaled.size(2) / kv, begin = k.size(1) - scaled.size(1);
    const Tensor d_o = grads[0].contiguous();
    Tensor dq = at::empty_like(scaled);
    Tensor dk = at::zeros(k.sizes(), scaled.options()), dv = at::zeros_like(dk);
    size_t next = 3;
    for_blocks(scaled.size(1), begin, [&](const Block& block) {
      for (int64_t r = 0; r < per_kv; ++r) {
        const Tensor& p = saved[next++];
        const Tensor d_out = queries(beside(d_o, kv, r), block);
        add_product(seen(dv, block), p.transpose(2, 3), d_out);
        const Tensor dp = product(d_out, seen(v, block).transpose(2, 3));
        const Tensor ds = at::_softmax_backward_data(dp, p, -1, p.scalar_type());
        product(queries(beside(dq, kv, r), block), ds, seen(k, block));
        add_product(seen(dk, block), ds.transpose(2, 3), queries(beside(scaled, kv, r), block));
      }
    });
    return {dq.mul_(scale(scaled)), dk, dv, Tensor()};
  }

  static double scale(const Tensor& q) { return 1 / std::sqrt(static_cast<double>(q.size(3))); }
};

}  // namespace

Tensor causal_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& starts) {
  return CausalAttention::apply(q, k, v, MaybeTensor{starts});
}

}  // namespace adder
