#include "make/train/nn/ssd.h"

#include <limits>

#include "make/train/nn/maybe_tensor.h"

namespace adder {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// The log-decay at the first token of a document: e^-200 is zero in f32, and adding it to a cumulative sum still
// leaves differences inside the chunk exact to 2e-5.
constexpr double kForget = -200;

/// Sizes, and the three layouts a chunked scan moves between:
///   time   [B,T,Hm,...]            as the network has it
///   group  [B,C,G,Q,R,...]         one matrix of Q rows a group, R heads side by side (Hm = G R): states, products
///   with b, c head   [B,C,G,R,Q,...]         one matrix a head: the Q x Q part
struct Layout {
  int64_t batch, chunks, length, groups, heads, width, state;  // B C Q G R P N

  Layout(const Tensor& x, int64_t chunk, int64_t n_groups, int64_t state_size)
      : batch(x.size(0)),
        chunks(x.size(1) / chunk),
        length(chunk),
        groups(n_groups),
        heads(x.size(2) / n_groups),
        width(x.size(3)),
        state(state_size) {}

  Tensor group(const Tensor& x) const { return split(x).permute({0, 1, 3, 2, 4, 5}).contiguous(); }
  Tensor head(const Tensor& x) const { return split(x).permute({0, 1, 3, 4, 2, 5}).contiguous(); }
  Tensor scalars(const Tensor& dt) const {  // [B,T,Hm] -> [B,C,G,R,Q]
    return dt.view({batch, chunks, length, groups, heads}).permute({0, 1, 3, 4, 2}).contiguous();
  }
  Tensor shared(const Tensor& b) const {  // [B,T,G,N] -> [BCG,Q,N]
    return b.reshape({batch, chunks, length, groups, state}).permute({0, 1, 3, 2, 4}).reshape({-1, length, state});
  }
  Tensor states(const Tensor& s) const { return s.view({batch, chunks, groups, state, heads, width}); }
  Tensor split(const Tensor& x) const { return x.reshape({batch, chunks, length, groups, heads, width}); }

  /// Back to time order.
  Tensor scalars_to_time(const Tensor& v) const {
    return v.permute({0, 1, 4, 2, 3}).reshape({batch, chunks * length, groups * heads});
  }
  Tensor shared_to_time(const Tensor& v) const {
    return v.view({batch, chunks, groups, length, state})
        .permute({0, 1, 3, 2, 4})
        .reshape({batch, chunks * length, groups, state});
  }
  /// A view of time-ordered `y` in group or head order, to add into.
  Tensor group_view(const Tensor& y) const {
    return y.view({batch, chunks, length, groups, heads, width}).permute({0, 1, 3, 2, 4, 5});
  }
  Tensor head_view(const Tensor& y) const {
    return y.view({batch, chunks, length, groups, heads, width}).permute({0, 1, 3, 4, 2, 5});
  }
  /// A scalar per position and head, shaped to multiply a group-ordered tensor.
  static Tensor beside_group(const Tensor& v) { return v.transpose(3, 4).unsqueeze(-1); }
};

/// sum over P of a product, group order -> [B,C,G,R,Q].
Tensor dot_over_width(const Tensor& a, const Tensor& b) {
  return (a * b).sum(-1).transpose(3, 4);
}

struct Ssd : torch::autograd::Function<Ssd> {
  static tensor_list forward(AutogradContext* ctx, const Tensor& x, const Tensor& dt_time, const Tensor& a,
                             const Tensor& b, const Tensor& c, const Tensor& d, const Tensor& initial,
                             const MaybeTensor& maybe_starts, int64_t chunk) {
    const Tensor& starts = maybe_starts.value;
    const Layout lay(x, chunk, b.size(2), b.size(3));
    const int64_t matrices = lay.batch * lay.chunks * lay.groups, q = lay.length;
    const Tensor xg = lay.group(x), xh = lay.head(x), dt = lay.scalars(dt_time), bs = lay.shared(b), cs = lay.shared(c);

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

    // Within the chunk: y_i += sum_{j<=i} exp(sum_i - sum_j) (c_i . b_j) dt_j x_j, masked before the exponential.
    const Tensor above = at::full({q, q}, -std::numeric_limits<double>::infinity(), x.options()).triu_(1);
    const Tensor decay = (sum.unsqueeze(-1) - sum.unsqueeze(-2)).add_(above).exp_();  // [B,C,G,R,Q,Q]
    const Tensor gram = at::bmm(cs, bs.transpose(1, 2)).view({lay.batch, lay.chunks, lay.groups, 1, q, q});
    const Tensor mix = (decay * gram).mul_(dt.unsqueeze(-2));
    const Tensor inside = at::bmm(mix.view({-1, q, q}), xh.view({-1, q, lay.width})).view_as(xh);

    // Across chunks: what each chunk adds to the state, the state before each chunk, what it gives each position.
    const Tensor weighted = xg * Layout::beside_group(to_end * dt);
    const Tensor added = at::bmm(bs.transpose(1, 2), weighted.view({matrices, q, -1}));
    const Tensor before = states_before(lay, added, whole, initial);
    const Tensor past = at::bmm(cs, before.view({matrices, lay.state, -1})).view_as(xg);

    Tensor y = x * d.view({-1, 1});
    lay.head_view(y).add_(inside);
    lay.group_view(y).addcmul_(past, Layout::beside_group(from_start));

    const int64_t last = lay.chunks - 1;
    const Tensor state = at::addcmul(lay.states(added).select(1, last), before.select(1, last), across(whole, last));
    ctx->save_for_backward(
        {x, xg, xh, dt, a, bs, cs, d, begins, from_start, to_end, decay, gram, mix, weighted, before, past});
    return {y, state};
  }

  /// S before each chunk, [B,C,G,N,R,P], from what each chunk adds and the decay over a whole chunk.
  static Tensor states_before(const Layout& lay, const Tensor& added, const Tensor& whole, const Tensor& initial) {
    const Tensor add = lay.states(added);
    Tensor before = at::empty_like(add);
    before.select(1, 0).copy_(initial);
    for (int64_t i = 1; i < lay.chunks; ++i) {
      before.select(1, i).copy_(add.select(1, i - 1)).addcmul_(before.select(1, i - 1), across(whole, i - 1));
    }
    return before;
  }
  /// The whole-chunk decay of chunk i beside a state [B,G,N,R,P].
  static Tensor across(const Tensor& whole, int64_t i) { return whole.select(1, i).squeeze(-1).unsqueeze(2); }

  static tensor_list backward(AutogradContext* ctx, const tensor_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &xg = saved[1], &xh = saved[2], &dt = saved[3], &a = saved[4], &bs = saved[5],
                 &cs = saved[6], &d = saved[7], &begins = saved[8], &from_start = saved[9], &to_end = saved[10],
                 &decay = saved[11], &gram = saved[12], &mix = saved[13], &weighted = saved[14], &before = saved[15],
                 &past = saved[16];
    const int64_t q = xg.size(3), matrices = bs.size(0);
    const Layout lay(x, q, xg.size(2), bs.size(2));
    const Tensor dy = grads[0].contiguous();
    const Tensor dyg = lay.group(dy), dyh = lay.head(dy);
    const Tensor whole = from_start.narrow(-1, q - 1, 1).unsqueeze(-1);

    Tensor dx = dy * d.view({-1, 1});
    const Tensor dd = (dy * x).sum({0, 1, 3});

    // Through y_i += exp(sum_i) S c_i.
    Tensor dsum = dot_over_width(dyg, past) * from_start;  // gradient of the cumulative sums
    const Tensor dpast = (dyg * Layout::beside_group(from_start)).view({matrices, q, -1});
    Tensor dc = at::bmm(dpast, before.view({matrices, lay.state, -1}).transpose(1, 2));
    const Tensor dbefore = at::bmm(cs.transpose(1, 2), dpast).view_as(before);

    // Through S_i = whole_i S_{i-1} + added_i, last to first.
    Tensor dadded = at::empty_like(before);
    dadded.select(1, lay.chunks - 1).copy_(grads[1]);
    for (int64_t i = lay.chunks - 2; i >= 0; --i) {
      dadded.select(1, i).copy_(dbefore.select(1, i + 1)).addcmul_(dadded.select(1, i + 1), across(whole, i + 1));
    }
    const Tensor dinitial = at::addcmul(dbefore.select(1, 0), dadded.select(1, 0), across(whole, 0));
    Tensor dlast = (dadded * before).sum(5).sum(3) * whole.squeeze(-1).squeeze(-1);  // [B,C,G,R]

    // Through added = b^T (x exp(sum_last - sum_j) dt_j).
    const Tensor dadded_m = dadded.view({matrices, lay.state, -1});
    Tensor db = at::bmm(weighted.view({matrices, q, -1}), dadded_m.transpose(1, 2));
    const Tensor dweighted = at::bmm(bs, dadded_m).view_as(xg);
    lay.group_view(dx).addcmul_(dweighted, Layout::beside_group(to_end * dt));
    const Tensor dweight = dot_over_width(dweighted, xg) * to_end;
    Tensor ddt = dweight.clone();
    const Tensor flow = dweight * dt;
    dsum.sub_(flow);
    dlast.add_(flow.sum(-1));

    // Through the part within the chunk.
    const Tensor mix_m = mix.view({-1, q, q}), dyh_m = dyh.view({-1, q, lay.width});
    lay.head_view(dx).add_(at::bmm(mix_m.transpose(1, 2), dyh_m).view_as(xh));
    Tensor dmix = at::bmm(dyh_m, xh.view({-1, q, lay.width}).transpose(1, 2)).view_as(decay).mul_(decay);
    const Tensor dgram = (dmix * dt.unsqueeze(-2)).sum(3).view({matrices, q, q});
    dmix.mul_(gram);
    const Tensor columns = dmix.sum(-2);
    ddt.add_(columns);
    dsum.sub_(columns * dt);
    dsum.add_(at::matmul(dmix, dt.unsqueeze(-1)).squeeze(-1));
    dc.add_(at::bmm(dgram, bs));
    db.add_(at::bmm(dgram.transpose(1, 2), cs));

    // Sums to log-decays: position t is in every sum from t on.
    dsum.select(-1, q - 1).add_(dlast);
    const Tensor running = dsum.cumsum(-1);
    Tensor dlog = (running.narrow(-1, q - 1, 1) - running).add_(dsum);
    if (begins.defined()) dlog.masked_fill_(begins, 0);
    ddt.addcmul_(dlog, a.view({lay.groups, lay.heads, 1}));
    const Tensor da = (dlog * dt).sum({0, 1, 4}).view({-1});

    return {
        dx,      lay.scalars_to_time(ddt), da, lay.shared_to_time(db), lay.shared_to_time(dc), dd, dinitial, Tensor(),
        Tensor()};
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
