#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/arch/roles.h"
#include "core/nest/child.h"
#include "core/nest/selection.h"

namespace adder {

/// A piece of a tensor in a nested file: these rows and columns of the whole, in this order.
struct Slab {
  std::string name;
  std::vector<int64_t> rows, cols;

  bool is_empty() const { return rows.empty() || cols.empty(); }
  Shape shape() const { return {std::ssize(rows), std::ssize(cols)}; }
};

/// Cuts the tensors of a model in nested order (nested_file.h).
class SlabCutter {
 public:
  /// `sizes` from the smallest to the whole model, each containing the one before.
  SlabCutter(const ModelConfig& whole, std::span<const NestedSize> sizes);

  /// What size number `size` has of a tensor, nothing where it does not have its layer.
  Slab kept(const TensorSpec& spec, size_t size) const;
  /// The slabs of a tensor that size number `size` is made of: those of the size before, and some more.
  std::vector<Slab> slabs(const TensorSpec& spec, size_t size) const;

 private:
  std::vector<Selector> selectors_;
  std::vector<std::vector<int>> layers_;  ///< of each size
};

}  // namespace adder
