#include "make/train/loss/head_loss.h"

#include <algorithm>
#include <limits>

#include "make/train/data/windows.h"
#include "make/train/nn/model.h"

namespace adder {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kBlockBytes = int64_t{16} << 20;  // of one matrix of logits
constexpr int64_t kPartBytes = int64_t{256} << 10;  // of what the losses are taken of: all they need stays in a cache

int64_t rows_in(int64_t bytes, int64_t vocabulary) {
  return std::max<int64_t>(1, bytes / (4 * vocabulary));
}

/// What the student is drawn to in a block of rows.
struct Aim {
  torch::Tensor p;          // [n,V]
  torch::Tensor kl;         // [n]
  torch::Tensor likeliest;  // [n]
};

torch::Tensor log_softmax_at(const torch::Tensor& logits, double temperature) {
  return at::log_softmax(temperature == 1 ? logits : logits / temperature, 1);
}

Aim aim_at_all(const torch::Tensor& logits, const torch::Tensor& log_q, double temperature) {
  const torch::Tensor log_p = log_softmax_at(logits, temperature), p = log_p.exp();
  return {p, (p * (log_p - log_q)).sum(1), logits.argmax(1)};
}

Aim aim_at_top(const TeacherRows& teacher, int64_t first, const torch::Tensor& log_q) {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  const int64_t n = log_q.size(0);
  const torch::Tensor ids = teacher.top_ids.narrow(0, first, n), log_p = teacher.top_log_p.narrow(0, first, n),
                      rest = teacher.rest_log_p.narrow(0, first, n);
  const torch::Tensor rest_q = log_q.scatter(1, ids, kNone).logsumexp(1);
  // Without others (k = V) both logarithms are of zero, and the terms that follow are not numbers.
  const torch::Tensor of_rest = (rest.exp() * (rest - rest_q)).masked_fill(rest.eq(kNone), 0);
  const torch::Tensor p_top = log_p.exp();
  const torch::Tensor p = (log_q + (rest - rest_q).unsqueeze(1)).exp().scatter(1, ids, p_top);
  return {p, (p_top * (log_p - log_q.gather(1, ids))).sum(1) + of_rest, ids.select(1, 0)};
}

/// Adds the losses of some rows, which begin at `first` of all; their gradients take the place of the logits z [n,V].
/// `teacher_z`: the teacher's logits of these rows, if it is not known by its top k.
void add_losses(HeadLoss& loss, const torch::Tensor& z, const torch::Tensor& targets, const TeacherRows& teacher,
                const torch::Tensor& teacher_z, int64_t first, const HeadLossOptions& options, bool wants_grad) {
  const torch::Tensor counted = targets.ne(kNoTarget), weight = counted.to(z.scalar_type()),
                      id = targets.clamp_min(0).unsqueeze(1), log_q1 = at::log_softmax(z, 1);
  loss.nats -= (log_q1.gather(1, id).squeeze(1) * weight).sum().item<double>();
  if (!wants_grad) loss.correct += z.argmax(1).eq(targets).sum().item<int64_t>();
  torch::Tensor grad;
  if (wants_grad && options.ce > 0) {
    grad = log_q1.exp();
    grad.scatter_add_(1, id, at::full_like(id, -1, z.options()));
    if (options.ce != 1) grad.mul_(options.ce);
  }
  if (teacher.defined()) {
    const double t = options.temperature;
    const torch::Tensor log_q = t == 1 ? log_q1 : log_softmax_at(z, t);
    const Aim aim = teacher.is_top() ? aim_at_top(teacher, first, log_q) : aim_at_all(teacher_z, log_q, t);
    loss.kl += (aim.kl * weight).sum().item<double>();
    loss.agreed += z.argmax(1).eq(aim.likeliest).logical_and(counted).sum().item<int64_t>();
    if (wants_grad) {
      const torch::Tensor pull = log_q.exp().sub_(aim.p);
      if (options.kd * t != 1) pull.mul_(options.kd * t);
      grad = grad.defined() ? grad.add_(pull) : pull;
    }
  }
  if (wants_grad) z.copy_(grad.mul_(weight.unsqueeze(1)));
}

/// A scalar whose gradients are known already.
struct WithGradients : torch::autograd::Function<WithGradients> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor&, const torch::Tensor&,
                               const torch::Tensor& value, const torch::Tensor& d_hidden, const torch::Tensor& d_head) {
    ctx->save_for_backward({d_hidden, d_head});
    return value.clone();
  }
  static tensor_list backward(AutogradContext* ctx, const tensor_list& grads) {
    const auto saved = ctx->get_saved_variables();
    return {saved[0] * grads[0], saved[1] * grads[0], torch::Tensor(), torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

TeacherRows keep_top(const torch::Tensor& hidden, const torch::Tensor& head, int64_t k, double temperature,
                     Precision precision) {
  torch::NoGradGuard no_grad;
  TeacherRows kept;
  const int64_t rows = hidden.size(0), block = rows_in(kBlockBytes, head.size(0));
  std::vector<torch::Tensor> ids, log_p, rest;
  for (int64_t first = 0; first < rows; first += block) {
    const torch::Tensor z = linear(hidden.narrow(0, first, std::min(block, rows - first)), head, precision);
    const torch::Tensor all = log_softmax_at(z, temperature);
    const auto [values, where] = all.topk(k, 1);
    ids.push_back(where);
    log_p.push_back(values);
    rest.push_back(all.scatter(1, where, -std::numeric_limits<double>::infinity()).logsumexp(1));
  }
  kept.top_ids = at::cat(ids);
  kept.top_log_p = at::cat(log_p);
  kept.rest_log_p = at::cat(rest);
  return kept;
}

HeadLoss head_loss(const torch::Tensor& hidden, const torch::Tensor& head, const torch::Tensor& targets,
                   const TeacherRows& teacher, const HeadLossOptions& options) {
  const bool wants_grad = c10::GradMode::is_enabled() && (hidden.requires_grad() || head.requires_grad());
  HeadLoss loss;
  torch::Tensor total, d_hidden, d_head;
  {
    torch::NoGradGuard no_grad;
    if (wants_grad) d_hidden = at::empty_like(hidden);
    const int64_t rows = hidden.size(0), block = rows_in(kBlockBytes, head.size(0)),
                  part = rows_in(kPartBytes, head.size(0));
    for (int64_t first = 0; first < rows; first += block) {
      const int64_t n = std::min(block, rows - first);
      const torch::Tensor h = hidden.narrow(0, first, n), z = linear(h, head, options.precision);
      torch::Tensor teacher_z;
      if (teacher.hidden.defined()) {
        teacher_z = linear(teacher.hidden.narrow(0, first, n), teacher.head, options.precision);
      }
      for (int64_t at = 0; at < n; at += part) {
        const auto of = [&](const torch::Tensor& t) { return t.narrow(0, at, std::min(part, n - at)); };
        add_losses(loss, of(z), of(targets.narrow(0, first, n)), teacher,
                   teacher_z.defined() ? of(teacher_z) : teacher_z, first + at, options, wants_grad);
      }
      if (!wants_grad) continue;
      d_hidden.narrow(0, first, n).copy_(linear(z, head.t(), options.precision));
      const torch::Tensor d_head_of_block = linear(z.t(), h.t(), options.precision);
      d_head = d_head.defined() ? d_head.add_(d_head_of_block) : d_head_of_block;
    }
    total = at::full({}, options.ce * loss.nats + options.kd * options.temperature * options.temperature * loss.kl,
                     hidden.options().requires_grad(false));
  }
  loss.total = wants_grad ? WithGradients::apply(hidden, head, total, d_hidden, d_head) : total;
  return loss;
}

}  // namespace adder
