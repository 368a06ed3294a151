#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/tensor/dtype.h"

namespace adder {

/// A block apart from its scales: the levels q of its elements. With the scales as they are stored, element e can
/// become
///     low_e + step_e p(q),  q = 0 .. top level
/// with p(q) = q, or kIq4Levels[q] + 127 in the IQ4 types; step_e may be negative or 0.

/// True for the block types but Q8_0, whose levels are too fine to be worth a choice.
bool has_levels(DType type);

/// p(top level): 15 for Q4_0, 240 for IQ4_NL.
int top_position(DType type);

/// Level of the p(q) nearest to `position`, which may lie outside the range or be NaN.
uint8_t nearest_to_position(DType type, float position);
/// p(q).
int position_of(DType type, uint8_t level);

/// Stores one level per element; the scales stay. Levels are in range.
void set_levels(DType type, std::byte* block, std::span<const uint8_t> levels);

/// What the scales of this block allow; both outputs have an element for each of the block. Exact but for rounding the
/// last bits of the step.
void level_range(DType type, const std::byte* block, std::span<float> low, std::span<float> step);

}  // namespace adder
