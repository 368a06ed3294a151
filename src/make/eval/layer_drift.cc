#include "make/eval/layer_drift.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace adder {
namespace {

/// Which tensors of a model take the inputs of its layers, and of the output.
std::vector<const BoundTensor*> first_matrices(const Model& model) {
  std::vector<const BoundTensor*> first;
  std::set<int> known;
  for (const BoundTensor& tensor : model.bound().tensors)
    if (tensor.spec.is_matrix && tensor.spec.role != Role::kEmbedding && tensor.spec.role != Role::kOutput &&
        known.insert(tensor.spec.layer).second)
      first.push_back(&tensor);
  first.push_back(&model.tensor(model.output()));
  return first;
}

}  // namespace

LayerDrift::LayerDrift(Engine& parent, Engine& child) : parent_(parent), child_(child) {
  const auto of_parent = first_matrices(parent.model()), of_child = first_matrices(child.model());
  const auto same = [](const BoundTensor* a, const BoundTensor* b) {
    return a->spec.role == b->spec.role && a->spec.layer == b->spec.layer &&
           a->spec.shape.row_length() == b->spec.shape.row_length();
  };
  if (!std::ranges::equal(of_parent, of_child, same)) return;
  for (const BoundTensor* tensor : of_parent) seen_.push_back({tensor->spec, {}, 0, 0});

  const auto find = [this](const std::vector<const BoundTensor*>& all, const BoundTensor& weight) -> Seen* {
    const auto found = std::ranges::find(all, &weight);
    return found == all.end() ? nullptr : &seen_[static_cast<size_t>(found - all.begin())];
  };
  parent_.forward().observe({.input = [of_parent, find](const BoundTensor& weight, const float* x, int64_t n) {
    if (Seen* const seen = find(of_parent, weight)) seen->parent.assign(x, x + n * weight.spec.shape.row_length());
  }});
  child_.forward().observe({.input = [of_child, find](const BoundTensor& weight, const float* x, int64_t) {
    Seen* const seen = find(of_child, weight);
    if (!seen) return;
    for (size_t i = 0; i < seen->parent.size(); ++i) {
      const double before = seen->parent[i], moved = x[i] - before;
      seen->moved += moved * moved;
      seen->square += before * before;
    }
  }});
}

LayerDrift::~LayerDrift() {
  parent_.forward().observe({});
  child_.forward().observe({});
}

std::vector<LayerDrift::Layer> LayerDrift::layers() const {
  std::vector<Layer> result;
  for (const Seen& seen : seen_)
    result.push_back({seen.spec, seen.square > 0 ? std::sqrt(seen.moved / seen.square) : 0});
  return result;
}

}  // namespace adder
