#include "make/compress/weight_count.h"

#include <algorithm>
#include <map>

#include "core/arch/roles.h"
#include "core/base/check.h"

namespace adder {

WeightCount count_weights(const ModelConfig& config, std::span<const DType> types) {
  const std::vector<TensorSpec> specs = tensor_specs(config);
  CHECK(specs.size() == types.size(), "{} types for {} tensors", types.size(), specs.size());
  std::map<DType, WeightCount::OfType> by_type;
  WeightCount count;
  for (size_t i = 0; i < specs.size(); ++i) {
    const int64_t parameters = specs[i].shape.elements();
    const uint64_t bytes = storage_bytes(types[i], parameters);
    WeightCount::OfType& of_type = by_type.try_emplace(types[i], WeightCount::OfType{types[i]}).first->second;
    of_type.parameters += parameters;
    of_type.bytes += bytes;
    count.parameters += parameters;
    count.bytes += bytes;
  }
  for (const auto& [type, of_type] : by_type) count.by_type.push_back(of_type);
  std::ranges::stable_sort(count.by_type, std::ranges::greater{}, &WeightCount::OfType::bytes);
  return count;
}

}  // namespace adder
