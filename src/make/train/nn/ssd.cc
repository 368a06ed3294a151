#include "make/train/nn/ssd.h"

#include <limits>

#include "make/train/nn/maybe_tensor.h"
#include "make/train/nn/products.h"

namespace adder {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// The log-decay at the first token of a document: e^-200 is zero in f32, and adding it to a cumulative sum still
// leaves differences inside the chunk exact to 2e-5.
constexpr double kForget = -200;

/// Sizes, and views of what the network has in time order, [B,T,...], by chunks:
///   group  [B,C,G,Q,R P]   one matrix of Q rows a group, its R heads side by side (Hm = G R): states, products with b,
///   c head   [B,C,G,R,Q,P]   one matrix a head: the Q x Q part
struct Layout {
  int64_t batch, chunks, length, groups, heads, width, state;  // B C Q G R P N

  Layout(const Tensor& x, const Tensor& b, int64_t chunk)
      : batch(x.size(0)),
        chunks(x.size(1) / chunk),
        length(chunk),
        groups(b.size(2)),
        heads(x.size(2) / b.size(2)),
        width(x.size(3)),
        state(b.size(3)) {}

  Tensor group(const Tensor& x) const { return parts(x).permute({0, 1, 3, 2, 4, 5}); }  // [B,C,G,Q,R,P]
  Tensor head(const Tensor& x) const { return parts(x).permute({0, 1, 3, 4, 2, 5}); }
  Tensor shared(const Tensor& b) const {  // [B,T,G,N] -> [B,C,G,Q,N]
    return b.view({batch, chunks, length, groups, state}).transpose(2, 3);
  }
  Tensor scalars(const Tensor& dt) const {  // [B,T,Hm] -> [B,C,G,R,Q], where the heads' sums are taken
    return dt.view({batch, chunks, length, groups, heads}).permute({0, 1, 3, 4, 2}).contiguous();
  }
  Tensor scalars_to_time(const Tensor& v) const {
    return v.permute({0, 1, 4, 2, 3}).reshape({batch, chunks * length, groups * heads});
  }
  Tensor parts(const Tensor& x) const { return x.view({batch, chunks, length, groups, heads, width}); }
  Tensor new_states(const Tensor& like) const {
    return at::empty({batch, chunks, groups, state, heads, width}, like.options().requires_grad(false));
  }
  /// A scalar for each position and head, to multiply what is in group order.
  static Tensor beside_group(const Tensor& v) { return v.transpose(3, 4).unsqueeze(-1); }
};

/// The heads side by side: [...,R,P] as [...,R P].
Tensor rows(const Tensor& t) {
  return t.flatten(-2);
}
Tensor transposed(const Tensor& t) {
  return t.transpose(-2, -1);
}

/// sum over P of a product, group order -> [B,C,G,R,Q].
Tensor dot_over_width(const Tensor& a, const Tensor& b) {
  return (a * b).sum(-1).transpose(3, 4);
}

struct Ssd : torch::autograd::Function<Ssd> {
  static tensor_list forward(AutogradContext* ctx, const Tensor& x, const Tensor& dt_time, const Tensor& a,
                             const Tensor& b, const Tensor& c, const Tensor& d, const Tensor& initial,
                             const MaybeTensor& maybe_starts, int64_t chunk) {
    const Tensor& starts = maybe_starts.value;
    const Layout lay(x, b, chunk);
    const int64_t q = lay.length;
    const Tensor dt = lay.scalars(dt_time), bs = lay.shared(b), cs = lay.shared(c);

    Tensor log_decay = dt * a.view({lay.groups, lay.heads, 1});
    Tensor begins;
    if (starts.defined()) {
      begins = starts.view({lay.batch, lay.chunks, 1, 1, q});
      log_decay.masked_fill_(begins, kForget);
    }
    const Tensor sum = log_decay.cumsum(-1);                             // inclusive, within the chunk
    const Tensor from_start = sum.exp();                                 // decay from the chunk's start to i
    const Tensor to_end = (sum.narrow(-1, q - 1, 1) - sum).exp_();       // from j to the chunk's end
    const Tensor whole = from_start.narrow(-1, q - 1, 1).unsqueeze(-1);  // [B,C,G,R,1,1]

    Tensor y = x * d.view({-1, 1});

    // Within the chunk: y_i += sum_{j<=i} exp(sum_i - sum_j) (c_i . b_j) dt_j x_j, masked before the exponential.
    const Tensor above = at::full({q, q}, -std::numeric_limits<double>::infinity(), x.options()).triu_(1);
    const Tensor decay = (sum.unsqueeze(-1) - sum.unsqueeze(-2)).add_(above).exp_();  // [B,C,G,R,Q,Q]
    const Tensor gram = product(cs, transposed(bs)).unsqueeze(3);                     // [B,C,G,1,Q,Q]
    const Tensor mix = (decay * gram).mul_(dt.unsqueeze(-2));
    add_product(lay.head(y), mix, lay.head(x));

    // Across chunks: what each chunk adds to the state, the state before each chunk, what it gives each position.
    const Tensor weighted = lay.group(x) * Layout::beside_group(to_end * dt);
    const Tensor added = lay.new_states(x);
    product(rows(added), transposed(bs), rows(weighted));
    const Tensor before = states_before(added, whole, initial);
    const Tensor past = product(cs, rows(before)).view_as(weighted);
    lay.group(y).addcmul_(past, Layout::beside_group(from_start));

    const int64_t last = lay.chunks - 1;
    const Tensor state = at::addcmul(added.select(1, last), before.select(1, last), across(whole, last));
    ctx->save_for_backward({x, dt, a, b, c, d, begins, from_start, to_end, decay, gram, mix, weighted, before, past});
    return {y, state};
  }

  /// S before each chunk, [B,C,G,N,R,P], from what each chunk adds and the decay over a whole chunk.
  static Tensor states_before(const Tensor& added, const Tensor& whole, const Tensor& initial) {
    Tensor before = at::empty_like(added);
    before.select(1, 0).copy_(initial);
    for (int64_t i = 1; i < added.size(1); ++i) {
      before.select(1, i).copy_(added.select(1, i - 1)).addcmul_(before.select(1, i - 1), across(whole, i - 1));
    }
    return before;
  }
  /// The whole-chunk decay of chunk i beside a state [B,G,N,R,P].
  static Tensor across(const Tensor& whole, int64_t i) { return whole.select(1, i).squeeze(-1).unsqueeze(2); }

  static tensor_list backward(AutogradContext* ctx, const tensor_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &dt = saved[1], &a = saved[2], &b = saved[3], &c = saved[4], &d = saved[5],
                 &begins = saved[6], &from_start = saved[7], &to_end = saved[8], &decay = saved[9], &gram = saved[10],
                 &mix = saved[11], &weighted = saved[12], &before = saved[13], &past = saved[14];
    const int64_t q = dt.size(-1);
    const Layout lay(x, b, q);
    const Tensor bs = lay.shared(b), cs = lay.shared(c), dy = grads[0].contiguous(), dyg = lay.group(dy);
    const Tensor whole = from_start.narrow(-1, q - 1, 1).unsqueeze(-1);

    Tensor dx = dy * d.view({-1, 1});
    const Tensor dd = (dy * x).sum({0, 1, 3});
    Tensor db = at::empty_like(b, at::MemoryFormat::Contiguous), dc = at::empty_like(db);

    // Through y_i += exp(sum_i) S c_i.
    Tensor dsum = dot_over_width(dyg, past) * from_start;  // gradient of the cumulative sums
    const Tensor dpast = rows(dyg * Layout::beside_group(from_start));
    product(lay.shared(dc), dpast, transposed(rows(before)));
    const Tensor dbefore = lay.new_states(x);
    product(rows(dbefore), transposed(cs), dpast);

    // Through S_i = whole_i S_{i-1} + added_i, last to first.
    Tensor dadded = at::empty_like(before);
    dadded.select(1, lay.chunks - 1).copy_(grads[1]);
    for (int64_t i = lay.chunks - 2; i >= 0; --i) {
      dadded.select(1, i).copy_(dbefore.select(1, i + 1)).addcmul_(dadded.select(1, i + 1), across(whole, i + 1));
    }
    const Tensor dinitial = at::addcmul(dbefore.select(1, 0), dadded.select(1, 0), across(whole, 0));
    Tensor dlast = (dadded * before).sum(5).sum(3) * whole.squeeze(-1).squeeze(-1);  // [B,C,G,R]

    // Through added = b^T (x exp(sum_last - sum_j) dt_j).
    product(lay.shared(db), rows(weighted), transposed(rows(dadded)));
    const Tensor dweighted = product(bs, rows(dadded)).view_as(past);
    lay.group(dx).addcmul_(dweighted, Layout::beside_group(to_end * dt));
    const Tensor dweight = dot_over_width(dweighted, lay.group(x)) * to_end;
    Tensor ddt = dweight.clone();
    const Tensor flow = dweight * dt;
    dsum.sub_(flow);
    dlast.add_(flow.sum(-1));

    // Through the part within the chunk.
    add_product(lay.head(dx), transposed(mix), lay.head(dy));
    Tensor dmix = product(lay.head(dy), transposed(lay.head(x))).mul_(decay);
    const Tensor dgram = (dmix * dt.unsqueeze(-2)).sum(3);
    dmix.mul_(gram);
    const Tensor columns = dmix.sum(-2);
    ddt.add_(columns);
    dsum.sub_(columns * dt);
    dsum.add_(product(dmix, dt.unsqueeze(-1)).squeeze(-1));
    add_product(lay.shared(dc), dgram, bs);
    add_product(lay.shared(db), transposed(dgram), cs);

    // Sums to log-decays: position t is in every sum from t on.
    dsum.select(-1, q - 1).add_(dlast);
    const Tensor running = dsum.cumsum(-1);
    Tensor dlog = (running.narrow(-1, q - 1, 1) - running).add_(dsum);
    if (begins.defined()) dlog.masked_fill_(begins, 0);
    ddt.addcmul_(dlog, a.view({lay.groups, lay.heads, 1}));
    const Tensor da = (dlog * dt).sum({0, 1, 4}).view({-1});

    return {dx, lay.scalars_to_time(ddt), da, db, dc, dd, dinitial, Tensor(), Tensor()};
  }
};

}  // namespace

SsdOutputs ssd(const SsdInputs& in, int64_t chunk) {
  CHECK(in.x.size(1) % chunk == 0, "{} positions in chunks of {}", in.x.size(1), chunk);
  const int64_t groups = in.b.size(2), heads = in.x.size(2) / groups;
  const Tensor before = in.before.defined()
                            ? in.before
                            : at::zeros({in.x.size(0), groups, in.b.size(3), heads, in.x.size(3)}, in.x.options());
  const tensor_list out = Ssd::apply(in.x, in.dt, in.a, in.b, in.c, in.d, before, MaybeTensor{in.starts}, chunk);
  return {out[0], out[1]};
}

}  // namespace adder
