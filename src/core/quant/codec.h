#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/base/result.h"
#include "core/tensor/dtype.h"

namespace adder {

/// The scalar codec is the definition of a format: kernels, quantisers and fake-quantised training must agree with
/// it to the bit. Layouts: ggml's quantised blocks as gguf-py decodes them; arithmetic in f32, in the order written at
/// each layout in blocks.h.

/// False for the integer types, which are not weights.
bool can_decode(DType dtype);

/// `out[i]` for out.size() consecutive elements (a multiple of the block size; floats and quantised types).
void decode(DType dtype, const std::byte* blocks, std::span<float> out);

/// True for the types `encode` writes.
bool can_encode(DType dtype);

/// The largest magnitude `encode` takes: that of the format's numbers or of the half that holds its scale; any for
/// F8_E4M3, which saturates at 448 (activations are meant to).
float largest_encodable(DType dtype);

/// Quantises one row by the reference search of each format, to the same bytes as ggml's. `out` holds
/// storage_bytes(dtype, x.size()).
///
/// `importance` is empty or holds one weight per element: the mean squared activation that meets its column. Scales and
/// levels then minimise sum_i w_i (x_i - y_i)^2 with w_i = importance_i, in most formats times sqrt(sigma^2 + x_i^2),
/// as ggml does with an importance matrix; Q8_0 and the floats, which have nothing to choose, ignore it. Only ratios
/// within the row matter. An element counts at least 2^-30 of the most important one, so that no block is given up;
/// importance that is zero everywhere is none.
///
/// kCorrupt, naming the element's index: a NaN, an infinity or a magnitude over `largest_encodable` in x; a NaN, an
/// infinity or a negative number in `importance`. Nothing is written then.
Status encode(DType dtype, std::span<const float> x, std::span<const float> importance, std::byte* out);

/// Index of the first element that decodes to NaN or Inf, looking at scales only where the format has scales.
std::optional<int64_t> find_non_finite(DType dtype, const std::byte* blocks, int64_t n);

}  // namespace adder
