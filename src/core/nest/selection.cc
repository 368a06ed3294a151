#include "core/nest/selection.h"

#include <algorithm>
#include <span>

#include "core/base/check.h"

namespace adder {
namespace {

std::vector<int64_t> first(const std::vector<int64_t>& order, int64_t n) {
  return {order.begin(), order.begin() + n};
}

/// The first n / groups of each group, the groups one behind the other.
std::vector<int64_t> first_of_groups(const std::vector<int64_t>& order, int64_t groups, int64_t n) {
  const auto size = order.size() / static_cast<size_t>(groups);
  std::vector<int64_t> kept;
  for (size_t begin = 0; begin < order.size(); begin += size)
    kept.insert(kept.end(), order.begin() + static_cast<std::ptrdiff_t>(begin),
                order.begin() + static_cast<std::ptrdiff_t>(begin) + n / groups);
  return kept;
}

/// Elements `within` of each block of `width`: block * width + element.
std::vector<int64_t> elements_of(const std::vector<int64_t>& blocks, int64_t width,
                                 const std::vector<int64_t>& within) {
  std::vector<int64_t> elements;
  for (const int64_t block : blocks)
    for (const int64_t element : within) elements.push_back(block * width + element);
  return elements;
}

std::vector<int64_t> range(int64_t begin, int64_t end) {
  std::vector<int64_t> numbers;
  for (int64_t i = begin; i < end; ++i) numbers.push_back(i);
  return numbers;
}

void append(std::vector<int64_t>& to, const std::vector<int64_t>& numbers, int64_t offset) {
  for (const int64_t i : numbers) to.push_back(offset + i);
}

/// Nothing, where the list is the n numbers from zero in order.
std::vector<int64_t> unless_all(std::vector<int64_t> kept, int64_t n) {
  return kept == range(0, n) ? std::vector<int64_t>() : kept;
}

}  // namespace

Selector::Selector(const ModelConfig& parent, const ChildShape& child, const NestedOrder& order)
    : parent_(parent), hidden_(first(order.hidden, child.d_model)), layers_(parent.layers.size()) {
  size_t n_ffn = 0;
  for (const int i : kept_layers(parent, child)) {
    const LayerConfig& layer = parent.layers[static_cast<size_t>(i)];
    const LayerOrder& of_layer = order.layers[static_cast<size_t>(i)];
    Kept& kept = layers_[static_cast<size_t>(i)];
    switch (layer.kind) {
      case LayerKind::kMlp:
        kept.ffn = first(of_layer.ffn, child.d_ff[child.d_ff.size() == 1 ? 0 : n_ffn++]);
        break;
      case LayerKind::kMamba:
        kept.heads = first_of_groups(of_layer.mamba_heads, parent.n_groups, child.mamba_heads);
        kept.inner =
            elements_of(kept.heads, parent.mamba_head_dim, first(of_layer.mamba_channels, child.mamba_head_dim));
        break;
      case LayerKind::kAttention:
        kept.queries =
            elements_of(first_of_groups(of_layer.attention_heads, layer.num_key_value_heads, child.attention_heads),
                        parent.head_dim, range(0, parent.head_dim));
        break;
    }
  }
}

std::vector<int64_t> Selector::conv_channels(const Kept& kept) const {
  std::vector<int64_t> channels = kept.inner;
  append(channels, range(parent_.d_inner(), parent_.conv_dim()), 0);
  return channels;
}

std::vector<int64_t> Selector::ssm_in_rows(const Kept& kept) const {
  std::vector<int64_t> rows = kept.inner;                            // z
  append(rows, conv_channels(kept), parent_.d_inner());              // x, B, C
  append(rows, kept.heads, parent_.d_inner() + parent_.conv_dim());  // dt
  return rows;
}

Selection Selector::of(const TensorSpec& spec) const {
  static const Kept kNone;
  const Kept& kept = spec.layer < 0 ? kNone : layers_[static_cast<size_t>(spec.layer)];
  Selection selection;
  switch (spec.role) {
    case Role::kEmbedding:
    case Role::kOutput:
    case Role::kOutputNorm:
    case Role::kNorm:
    case Role::kK:
    case Role::kV:
      selection.cols = hidden_;
      break;
    case Role::kSsmIn:
      selection = {ssm_in_rows(kept), hidden_};
      break;
    case Role::kConvWeight:
      selection.rows = conv_channels(kept);
      break;
    case Role::kConvBias:
      selection.cols = conv_channels(kept);
      break;
    case Role::kDtBias:
    case Role::kA:
    case Role::kD:
      selection.cols = kept.heads;
      break;
    case Role::kSsmNorm:
      selection.cols = kept.inner;
      break;
    case Role::kSsmOut:
      selection = {hidden_, kept.inner};
      break;
    case Role::kQ:
      selection = {kept.queries, hidden_};
      break;
    case Role::kO:
      selection = {hidden_, kept.queries};
      break;
    case Role::kUp:
      selection = {kept.ffn, hidden_};
      break;
    case Role::kDown:
      selection = {hidden_, kept.ffn};
      break;
  }
  return {unless_all(std::move(selection.rows), spec.shape.rows()),
          unless_all(std::move(selection.cols), spec.shape.row_length())};
}

}  // namespace adder
