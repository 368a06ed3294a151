#include "core/nest/slabs.h"

#include <algorithm>
#include <numeric>

#include "core/nest/nested_order.h"

namespace adder {
namespace {

/// What `more` has that `less` has not, in the order of `more`.
std::vector<int64_t> added(const std::vector<int64_t>& more, const std::vector<int64_t>& less) {
  std::vector<int64_t> sorted = less, left;
  std::ranges::sort(sorted);
  for (const int64_t i : more)
    if (!std::ranges::binary_search(sorted, i)) left.push_back(i);
  return left;
}

std::vector<int64_t> all_or(const std::vector<int64_t>& selected, int64_t n) {
  if (!selected.empty()) return selected;
  std::vector<int64_t> all(static_cast<size_t>(n));
  std::iota(all.begin(), all.end(), int64_t{0});
  return all;
}

}  // namespace

SlabCutter::SlabCutter(const ModelConfig& whole, std::span<const NestedSize> sizes) {
  const NestedOrder order = unchanged_order(whole);
  for (const NestedSize& size : sizes) {
    selectors_.emplace_back(whole, size.child, order);
    layers_.push_back(kept_layers(whole, size.child));
  }
}

Slab SlabCutter::kept(const TensorSpec& spec, size_t size) const {
  if (spec.layer >= 0 && std::ranges::count(layers_[size], spec.layer) == 0) return {};
  const Selection selection = selectors_[size].of(spec);
  return {spec.gguf_name, all_or(selection.rows, spec.shape.rows()), all_or(selection.cols, spec.shape.row_length())};
}

std::vector<Slab> SlabCutter::slabs(const TensorSpec& spec, size_t size) const {
  std::vector<Slab> slabs;
  Slab before;
  for (size_t s = 0; s <= size; ++s) {
    Slab now = kept(spec, s);
    if (now.is_empty()) continue;
    if (before.is_empty()) {
      slabs.push_back(now);
    } else {
      slabs.push_back({fmt::format("{}.right.{}", spec.gguf_name, s), before.rows, added(now.cols, before.cols)});
      slabs.push_back({fmt::format("{}.below.{}", spec.gguf_name, s), added(now.rows, before.rows), now.cols});
    }
    before = std::move(now);
  }
  std::erase_if(slabs, [](const Slab& slab) { return slab.is_empty(); });
  return slabs;
}

}  // namespace adder
