#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/formats/model_file.h"
#include "core/nest/child.h"

namespace adder {

/// What a model in nested order says of itself: its weights are permuted so that the most important of everything comes
/// first, and every child is a prefix on all axes (child.h). `adder slice --order` makes such a parent, which computes
/// what the one before computed. Elastic training starts from it, masks prefixes, and exports weights in the same order
/// with the same record; then `adder slice` needs no scores.
struct NestedRecord {
  std::vector<int> drop_list;     ///< layers of this model, the least important first; depth 3 drops the first three
  std::vector<Axis> permuted;     ///< in order of importance; the others are as they were
  std::string scores;             ///< hash of the scores; "random SEED" for an order without importance
  std::vector<NestedSize> sizes;  ///< children somebody trained or means to take out, by name

  bool operator==(const NestedRecord&) const = default;
};

/// The child that drops the first `n_dropped` layers of the record's list and keeps all else.
ChildShape without_layers(const ModelConfig& parent, const NestedRecord& record, int n_dropped);

/// The record is the object "adder_nested" of config.json:
///     {"drop_list": [5, 6], "permuted": ["d_model", "d_ff"], "scores": "8f..", "sizes": {"small": child.json's
///     object}}
/// A GGUF file has it in the config.json that it carries (kHfConfigKey, make/quantize/carried_metadata.h). So it goes
/// along wherever the model goes: convert, quantize, copy.
inline constexpr std::string_view kNestedField = "adder_nested";

/// Nothing where the model has no record. kCorrupt for one that breaks its format or does not fit `config`.
Result<std::optional<NestedRecord>> read_nested(const ModelFile& file, const ModelConfig& config);

nlohmann::ordered_json to_json(const NestedRecord& record);
Result<NestedRecord> nested_from_json(const nlohmann::json& object, const ModelConfig& config);

/// Puts the record into config.json (of HfFiles, for example), or takes it out where there is none.
void set_nested(nlohmann::json& hf_config, const std::optional<NestedRecord>& record);
/// The same in the metadata of a GGUF file.
Status set_nested(std::vector<GgufEntry>& metadata, const std::optional<NestedRecord>& record);

}  // namespace adder
