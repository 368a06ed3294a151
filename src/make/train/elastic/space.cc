#include "make/train/elastic/space.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"

namespace adder {
namespace {

constexpr std::array<std::string_view, kRouterAxes> kNames = {"hidden", "ffn", "mamba_heads", "attention_heads",
                                                              "depth"};

}  // namespace

std::string_view name(RouterAxis axis) {
  return kNames[static_cast<size_t>(axis)];
}

const std::vector<int64_t>& SearchSpace::widths(RouterAxis axis) const {
  switch (axis) {
    case RouterAxis::kHidden:
      return hidden;
    case RouterAxis::kFfn:
      return ffn;
    case RouterAxis::kMambaHeads:
      return mamba_heads;
    case RouterAxis::kAttentionHeads:
      return attention_heads;
    case RouterAxis::kDepth:
      break;
  }
  CHECK(false, "depth is no width");
}

int64_t SearchSpace::choices(RouterAxis axis) const {
  return axis == RouterAxis::kDepth ? std::ssize(dropped) + 1 : std::ssize(widths(axis));
}

int64_t SearchSpace::slots(RouterAxis axis) const {
  return axis == RouterAxis::kFfn && ffn_per_layer ? parent.count(LayerKind::kMlp) : 1;
}

Result<std::vector<int64_t>> widths_of(std::string_view axis, const std::vector<double>& given, int64_t parent,
                                       int64_t multiple) {
  std::vector<int64_t> widths;
  for (const double number : given) {
    const bool fraction = number <= 1;
    auto width = static_cast<int64_t>(std::floor((fraction ? number * static_cast<double>(parent) : number) + 1e-9));
    if (fraction && number < 1) width -= width % multiple;
    if (!fraction && number != std::floor(number))
      return Error::usage("choices.{}: {} is neither a fraction nor a width", axis, number);
    if (width < 1 || (width % multiple != 0 && width != parent))
      return Error::usage("choices.{}: {} makes a width of {}, expected a multiple of {}", axis, number, width,
                          multiple);
    if (!widths.empty() && width >= widths.back())
      return Error::usage("choices.{}: {} makes a width of {} after {}, expected a smaller one", axis, number, width,
                          widths.back());
    widths.push_back(width);
  }
  if (widths.empty() || widths.front() != parent)
    return Error::usage("choices.{}: the first must be the parent's width, {}", axis, parent);
  return widths;
}

Decision smallest(const SearchSpace& space) {
  Decision decision;
  for (size_t i = 0; i < kRouterAxes; ++i) {
    const auto axis = static_cast<RouterAxis>(i);
    decision[i].assign(static_cast<size_t>(space.slots(axis)), space.choices(axis) - 1);
  }
  return decision;
}

ChildShape child_of(const SearchSpace& space, const Decision& decision) {
  const auto chosen = [&](RouterAxis axis, size_t slot = 0) {
    return static_cast<size_t>(decision[static_cast<size_t>(axis)][slot]);
  };
  ChildShape child = whole(space.parent);
  const auto n_dropped = static_cast<std::ptrdiff_t>(chosen(RouterAxis::kDepth));
  child.dropped_layers.assign(space.dropped.begin(), space.dropped.begin() + n_dropped);
  std::ranges::sort(child.dropped_layers);
  child.d_model = space.hidden[chosen(RouterAxis::kHidden)];
  if (space.parent.count(LayerKind::kMamba) > 0) child.mamba_heads = space.mamba_heads[chosen(RouterAxis::kMambaHeads)];
  if (space.parent.count(LayerKind::kAttention) > 0)
    child.attention_heads = space.attention_heads[chosen(RouterAxis::kAttentionHeads)];
  if (kept_ffn_widths(space.parent, child).empty()) return child;
  child.d_ff = {space.ffn[chosen(RouterAxis::kFfn)]};
  if (!space.ffn_per_layer) return child;
  child.d_ff.clear();
  size_t slot = 0;
  for (int i = 0; i < space.parent.n_layers(); ++i) {
    if (space.parent.layers[static_cast<size_t>(i)].kind != LayerKind::kMlp) continue;
    const bool stays = !std::ranges::binary_search(child.dropped_layers, i);
    if (stays) child.d_ff.push_back(space.ffn[chosen(RouterAxis::kFfn, slot)]);
    ++slot;
  }
  return child;
}

}  // namespace adder
