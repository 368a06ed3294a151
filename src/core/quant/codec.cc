#include "core/quant/codec.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/quant/format_table.h"

namespace adder {
namespace {

const Format* find_format(DType dtype) {
  for (const auto formats : {float_formats(), legacy_formats(), k_formats(), iq4_formats()})
    for (const Format& format : formats)
      if (format.dtype == dtype) return &format;
  return nullptr;
}

const Format& format_of(DType dtype) {
  const Format* format = find_format(dtype);
  CHECK(format != nullptr, "{} is not a type of numbers", name(dtype));
  return *format;
}

}  // namespace

bool can_decode(DType dtype) {
  return find_format(dtype) != nullptr;
}

void decode(DType dtype, const std::byte* blocks, std::span<float> out) {
  CHECK(out.size() % static_cast<size_t>(info(dtype).block_size) == 0, "{} elements of {}", out.size(), name(dtype));
  format_of(dtype).decode(blocks, out);
}

bool can_encode(DType dtype) {
  const Format* format = find_format(dtype);
  return format != nullptr && format->encode != nullptr;
}

float largest_encodable(DType dtype) {
  if (dtype == DType::kF32) return std::numeric_limits<float>::max();
  return dtype == DType::kBF16 ? bf16_to_float(0x7f7f) : half_to_float(0x7bff);
}

Status encode(DType dtype, std::span<const float> x, std::byte* out) {
  CHECK(can_encode(dtype), "{}", name(dtype));
  CHECK(x.size() % static_cast<size_t>(info(dtype).block_size) == 0, "{} elements of {}", x.size(), name(dtype));
  const float largest = largest_encodable(dtype);
  const auto bad = std::ranges::find_if_not(x, [&](float value) { return std::fabs(value) <= largest; });
  if (bad != x.end())
    return Error::corrupt("element {} is {}, {} holds magnitudes up to {}", bad - x.begin(), *bad, name(dtype),
                          largest);
  format_of(dtype).encode(x, out);
  return {};
}

std::optional<int64_t> find_non_finite(DType dtype, const std::byte* blocks, int64_t n) {
  CHECK(n % info(dtype).block_size == 0, "{} elements of {}", n, name(dtype));
  const int64_t found = format_of(dtype).find_non_finite(blocks, n);
  return found < n ? std::optional(found) : std::nullopt;
}

}  // namespace adder
