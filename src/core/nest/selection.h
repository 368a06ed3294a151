#pragma once

#include <cstdint>
#include <vector>

#include "core/arch/roles.h"
#include "core/nest/child.h"
#include "core/nest/nested_order.h"

namespace adder {

/// Which rows and columns of a tensor a child has, in its order; empty for all of them as they are. A flat tensor is
/// one row.
struct Selection {
  std::vector<int64_t> rows, cols;
};

/// What every tensor of a parent keeps, by its role. With H the residual channels, I = heads x channels the inner ones,
///     embedding, output, norms                  columns H
///     ssm_in        rows z: I, x: I, B and C: all, dt: heads         columns H
///     conv          channels x: I, B and C: all
///     dt_bias, a, d heads;   ssm_norm I;   ssm_out rows H, columns I
///     q             rows heads x head_dim, columns H;   k, v columns H;   o rows H, columns heads x head_dim
///     up            rows F, columns H;   down rows H, columns F
class Selector {
 public:
  /// `child` fits `parent` (child_config).
  Selector(const ModelConfig& parent, const ChildShape& child, const NestedOrder& order);

  /// Of a tensor of the parent, in a layer that stays or in none.
  Selection of(const TensorSpec& spec) const;

 private:
  struct Kept {
    std::vector<int64_t> ffn, heads, inner, queries;
  };
  std::vector<int64_t> ssm_in_rows(const Kept& kept) const;
  std::vector<int64_t> conv_channels(const Kept& kept) const;

  ModelConfig parent_;
  std::vector<int64_t> hidden_;
  std::vector<Kept> layers_;  ///< by the parent's numbers
};

}  // namespace adder
