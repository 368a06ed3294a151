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

/// The largest magnitude `encode` takes: that of the format's numbers or of the half that holds its scale.
float largest_encodable(DType dtype);

/// Quantises consecutive elements of one row by the reference search of each format (no importance), to the same bytes
/// as ggml's. `out` holds storage_bytes(dtype, x.size()). A NaN, an infinity or a magnitude over `largest_encodable` is
/// kCorrupt and names the element's index; nothing is written then.
Status encode(DType dtype, std::span<const float> x, std::byte* out);

/// Index of the first element that decodes to NaN or Inf, looking at scales only where the format has scales.
std::optional<int64_t> find_non_finite(DType dtype, const std::byte* blocks, int64_t n);

}  // namespace adder
