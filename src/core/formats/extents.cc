#include "core/formats/extents.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace adder {

Result<Shape> checked_shape(DType dtype, std::span<const uint64_t> dims) {
  if (dims.size() > Shape::kMaxRank)
    return Error::unsupported("{} dims, at most {} expected", dims.size(), Shape::kMaxRank);
  int64_t elements = 1, bytes = 0;
  bool overflow = false;
  Shape shape;
  for (const uint64_t dim : dims) {
    // A zero among the dims must not hide that the others are absurd: parts of the product are taken elsewhere.
    overflow = overflow || __builtin_mul_overflow(elements, std::max<uint64_t>(dim, 1), &elements);
    if (!overflow) shape.push_back(static_cast<int64_t>(dim));
  }
  const DTypeInfo& row = info(dtype);
  // Times the bytes of a whole block: a little stricter than the size itself, and the same for every block size.
  if (overflow || __builtin_mul_overflow(elements, int64_t{row.block_bytes}, &bytes))
    return Error::corrupt("shape [{}] of {} does not fit 63 bits", fmt::join(dims, ", "), row.name);
  if (shape.row_length() % row.block_size != 0)
    return Error::corrupt("rows of {} elements, {} is stored in blocks of {}", shape.row_length(), row.name,
                          row.block_size);
  return shape;
}

}  // namespace adder
