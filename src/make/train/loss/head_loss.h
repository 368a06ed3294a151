#pragma once

#include "make/train/base/torch.h"

namespace adder {

/// What a teacher says of the rows of a batch: what its own output layer would make its logits from, or the k largest
/// probabilities of each row, kept from an earlier run, with the mass of all others.
struct TeacherRows {
  torch::Tensor hidden;  ///< [R,Ht] after the output norm
  torch::Tensor head;    ///< [V,Ht]

  torch::Tensor top_ids;     ///< [R,k] int64; defined instead of the two above
  torch::Tensor top_log_p;   ///< [R,k] at the temperature of the loss
  torch::Tensor rest_log_p;  ///< [R], the log of what the others have together

  bool is_top() const { return top_ids.defined(); }
  bool defined() const { return is_top() || hidden.defined(); }
};

/// The k likeliest tokens of every row. Blocks of rows, as below.
TeacherRows keep_top(const torch::Tensor& hidden, const torch::Tensor& head, int64_t k, double temperature,
                     Precision precision);

struct HeadLossOptions {
  double kd = 0;           ///< share of the divergence from the teacher
  double ce = 1;           ///< share of the cross-entropy
  double temperature = 1;  ///< of the divergence
  Precision precision = Precision::kF32;
};

/// Sums over the rows that have a target.
struct HeadLoss {
  torch::Tensor total;  ///< kd T^2 KL + ce CE, a scalar with gradients in `hidden` and `head`
  double nats = 0;      ///< cross-entropy
  double kl = 0;        ///< KL at the temperature, without T^2; 0 without a teacher
  int64_t agreed = 0;   ///< rows whose likeliest token is the teacher's
  int64_t correct = 0;  ///< rows whose likeliest token is the target; counted where no gradient is wanted
};

/// The output layer z = hidden head^T and the losses of its logits, for rows of `hidden` [R,H] whose target [R] is not
/// kNoTarget
/// (make/train/data/windows.h):
///     CE = -log softmax(z)_target
///     KL = sum_v p_v (log p_v - log q_v),   p = softmax(z_teacher / T),  q = softmax(z / T)
/// Of a teacher's top k only, all other tokens count as one, with p_rest and q_rest.
/// Gradients, dKL T^2 / dz = T (q - p~) and dCE / dz = softmax(z) - onehot, are taken to `hidden` and `head` in the
/// same pass, some MiB of logits at a time: neither the student's nor the teacher's stand whole in memory. p~ is p;
/// where only the top k are known, the rest's mass is dealt out as the student would: p~_v = p_rest q_v / q_rest.
HeadLoss head_loss(const torch::Tensor& hidden, const torch::Tensor& head, const torch::Tensor& targets,
                   const TeacherRows& teacher, const HeadLossOptions& options);

}  // namespace adder
