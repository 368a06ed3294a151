#pragma once

#include <cstdint>

#include "core/nest/child.h"

namespace adder {

/// The number of parameters of a config, by the formulas of a layer (core/arch/budget.h counts tensors: the same, but
/// slowly):
///     Mamba       H + H (2 I + 2 G N + m_h) + (I + 2 G N)(K + 1) + 3 m_h + I + I H,   I = m_h P
///     attention   H + H (n_q + 2 n_kv) d_h + n_q d_h H
///     FFN         H + 2 H F
///     all         the layers + 2 V H (V H where embeddings are tied) + H
int64_t parameters_by_formula(const ModelConfig& config);

/// The most even shrink of d_model, d_ff and mamba_heads that comes to a number of parameters; what else `base` says,
/// its dropped layers above all, stays. Every shape on the grid is tried: d_model and d_ff multiples of `align` or the
/// parent's own, mamba_heads multiples of G. Of those within half a per cent below `parameters` the one with the least
/// ratio of the largest kept fraction to the smallest; of equally even ones the largest. Where none is so near, the
/// largest below. FFN layers of different widths shrink by one fraction.
///
/// kUsage: fewer parameters than the smallest shape on the grid has, or more than `base`.
Result<ChildShape> widths_for_budget(const ModelConfig& parent, const ChildShape& base, int64_t parameters,
                                     int64_t align);

/// The fewest layers off the front of the list that bring the model to at most `parameters`, widths untouched. kUsage
/// where the whole list does not.
Result<ChildShape> depth_for_budget(const ModelConfig& parent, const std::vector<int>& drop_list, int64_t parameters);

}  // namespace adder
