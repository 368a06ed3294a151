#include <algorithm>

#include "core/nest/column_runs.h"
#include "make/compress/slice.h"
#include "make/convert/output_types.h"

namespace adder {
namespace {

/// For each tensor of the child its place in the parent: both lists have the same roles in the same order.
std::vector<size_t> find_sources(const BoundModel& parent, const ModelConfig& config, const std::vector<int>& kept) {
  std::vector<size_t> sources;
  size_t at = 0;
  for (const TensorSpec& spec : tensor_specs(config)) {
    const int layer = spec.layer < 0 ? -1 : kept[static_cast<size_t>(spec.layer)];
    while (parent.tensors[at].spec.role != spec.role || parent.tensors[at].spec.layer != layer) ++at;
    sources.push_back(at);
  }
  return sources;
}

Status check_blocks(const BoundModel& parent, const SlicePlan& plan) {
  const std::vector<TensorSpec> specs = tensor_specs(plan.config);
  for (size_t i = 0; i < specs.size(); ++i) {
    const BoundTensor& source = parent.tensors[plan.sources[i]];
    const int block = info(plan.types[i]).block_size;
    if (block == 1) continue;
    const int64_t length = specs[i].shape.row_length();
    if (length % block != 0 || !fall_in_blocks(column_runs(plan.selector.of(source.spec).cols, length), block))
      return Error::usage(
          "{}: the {} columns that {} keeps of {} are no whole blocks of {}; slice the model it was quantised from, or "
          "say with --type what matrices are to become",
          parent.file->path(), length, source.name, source.spec.shape.row_length(), name(plan.types[i]));
  }
  return {};
}

/// The layers of a list that stay, under the child's numbers.
std::vector<int> renumbered(const std::vector<int>& layers, const std::vector<int>& kept) {
  std::vector<int> numbers;
  for (const int layer : layers)
    if (const auto found = std::ranges::find(kept, layer); found != kept.end())
      numbers.push_back(static_cast<int>(found - kept.begin()));
  return numbers;
}

std::vector<Axis> axes_of(const ModelConfig& config) {
  std::vector<Axis> axes = {Axis::kHidden};
  if (config.count(LayerKind::kMlp) > 0) axes.push_back(Axis::kFfn);
  if (config.count(LayerKind::kMamba) > 0) axes.insert(axes.end(), {Axis::kMambaHeads, Axis::kMambaChannels});
  if (config.count(LayerKind::kAttention) > 0) axes.push_back(Axis::kAttentionHeads);
  return axes;
}

std::optional<NestedRecord> record_of_child(const ModelConfig& parent, const ModelConfig& config,
                                            const std::vector<int>& kept, const NestedOrder& order,
                                            const std::optional<NestedRecord>& of_parent) {
  if (of_parent) {
    NestedRecord record = *of_parent;
    record.drop_list = renumbered(record.drop_list, kept);
    if (config != parent) record.sizes.clear();
    return record;
  }
  if (order.scores.empty()) return std::nullopt;
  return NestedRecord{renumbered(order.drop_list, kept), axes_of(config), order.scores, {}};
}

}  // namespace

Result<SlicePlan> plan_slice(const BoundModel& parent, const ChildShape& child, const NestedOrder& order,
                             const std::optional<NestedRecord>& record, Layout layout, const SliceOptions& options) {
  TRY_ASSIGN(ModelConfig config, child_config(parent.config, child));
  TRY_ASSIGN(const std::vector<DType> types, output_types(parent, layout, options.type));
  const std::vector<int> kept = kept_layers(parent.config, child);
  SlicePlan plan{config, find_sources(parent, config, kept), {}, Selector(parent.config, child, order), {}, {}, {}};
  for (const size_t source : plan.sources) plan.types.push_back(types[source]);
  TRY(check_blocks(parent, plan));
  plan.record = record_of_child(parent.config, config, kept, order, record);

  std::vector<DType> parents_types;
  for (const BoundTensor& tensor : parent.tensors) parents_types.push_back(tensor.view.dtype);
  plan.parent = count_weights(parent.config, parents_types);
  plan.child = count_weights(plan.config, plan.types);
  return plan;
}

}  // namespace adder
