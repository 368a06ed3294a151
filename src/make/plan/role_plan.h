#pragma once

#include "make/plan/sensitivity.h"
#include "make/quantize/mix.h"

namespace adder {

/// A plan for a model by a table that was gathered on another of its family: all matrices of a role get one type. What
/// a type costs a role is the mean of what it costs the table's matrices of that role, times how many there are now; of
/// the types those offered that divide rows now. What is no matrix stays F32. Errors: a limit that the smallest types
/// exceed (kTooLarge), a table without a role (kUsage).
Result<TypePlan> plan_by_role(const Sensitivities& table, const ModelConfig& config, uint64_t data_bytes);

}  // namespace adder
