#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/arch/roles.h"

namespace adder {

/// One field that two models do not say alike; empty where a model does not have it.
struct FieldDifference {
  std::string field, a, b;
};

/// One tensor that is not the same in both.
struct TensorDifference {
  std::string name;           ///< as GGUF calls it, whatever the layouts
  std::optional<DType> a, b;  ///< its types; none where it is missing
  Shape shape_a, shape_b;
  /// Of the decoded values (A, not A_log), where both have it in one shape: the largest |a - b|, and
  /// sqrt(sum (a - b)^2 / sum a^2), infinite if only b has values that are not zero.
  double max_abs = 0, relative_rms = 0;
};

struct DiffReport {
  std::vector<FieldDifference> config;     ///< hyper-parameters
  std::vector<FieldDifference> tokenizer;  ///< vocabulary, merges, rules, special ids, chat template
  /// Other texts of two models in one layout: GGUF metadata but for receipts and split keys; fields of config.json and
  /// generation_config.json.
  std::vector<FieldDifference> metadata;
  std::vector<TensorDifference> tensors;
  size_t tensors_compared = 0;

  bool same() const { return config.empty() && tokenizer.empty() && metadata.empty() && tensors.empty(); }
};

struct DiffOptions {
  /// Only what the models compute with: values that two types hold alike are the same, and metadata does not count.
  bool values_only = false;
  /// Called several times a second with the share of the tensors compared; an error ends the work.
  std::function<Status(double)> progress;
};

/// Compares two models, in whichever layouts. Errors: what `bind` refuses of either.
Result<DiffReport> diff(const std::filesystem::path& a, const std::filesystem::path& b, const DiffOptions& options);

}  // namespace adder
