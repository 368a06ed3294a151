#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/arch/config.h"
#include "core/nest/child.h"

namespace adder {

/// What a router decides on: four widths and how many layers go.
enum class RouterAxis : uint8_t { kHidden, kFfn, kMambaHeads, kAttentionHeads, kDepth };
inline constexpr size_t kRouterAxes = 5;
std::string_view name(RouterAxis axis);  ///< "hidden", "ffn", "mamba_heads", "attention_heads", "depth"

/// The children among which a router chooses: prefixes of a parent in nested order (make/compress/nested.h). Widths are
/// listed from the parent's own downwards; an axis of one choice is left alone. Depth n drops the first n layers of the
/// drop list, n = 0 ... dropped.size().
struct SearchSpace {
  ModelConfig parent;
  std::vector<int64_t> hidden, ffn, mamba_heads, attention_heads;
  std::vector<int> dropped;    ///< the part of the drop list that may go, the least important layer first
  bool ffn_per_layer = false;  ///< every MLP layer has a width of its own

  /// Choices of an axis, and how often it is made (1, or once for each MLP layer).
  int64_t choices(RouterAxis axis) const;
  int64_t slots(RouterAxis axis) const;
  const std::vector<int64_t>& widths(RouterAxis axis) const;  ///< of the four
};

/// What a recipe says of an axis: fractions of the parent's width (at most 1) or widths, in descending order, the
/// parent's first. Fractions are rounded down to multiples of `multiple`. kUsage for widths that are no such multiple,
/// do not descend, or do not begin with the parent's.
Result<std::vector<int64_t>> widths_of(std::string_view axis, const std::vector<double>& given, int64_t parent,
                                       int64_t multiple);

/// One choice each: an index for every slot of every axis.
using Decision = std::array<std::vector<int64_t>, kRouterAxes>;
Decision smallest(const SearchSpace& space);
ChildShape child_of(const SearchSpace& space, const Decision& decision);

}  // namespace adder
