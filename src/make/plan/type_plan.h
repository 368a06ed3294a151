#pragma once

#include <optional>

#include "make/plan/sensitivity.h"
#include "make/quantize/mix.h"

namespace adder {

/// The types of a model's tensors (one per tensor_specs) that keep the predicted divergence least while tensor data
/// takes at most `data_bytes`. Divergences of single matrices add up, as errors of different matrices have little to do
/// with each other. What is no matrix stays F32. The file type is that of the mix named after the type that most
/// weights get.
///
/// Errors: a limit that the smallest types exceed (kTooLarge); a table that lacks a matrix or knows it in another shape
/// (kUsage).
Result<TypePlan> plan_within(const Sensitivities& table, const ModelConfig& config, uint64_t data_bytes);

/// The file type for an assignment of types: that of the mix named after the type that most weights of matrices get.
uint32_t file_type_of(std::span<const TensorSpec> specs, std::span<const PlannedType> types);

/// What the table says about any assignment of types, tensor by tensor: none for what is no matrix, and for types the
/// table does not know.
std::vector<std::optional<double>> predicted_divergences(const Sensitivities& table, const ModelConfig& config,
                                                         std::span<const PlannedType> types);

}  // namespace adder
