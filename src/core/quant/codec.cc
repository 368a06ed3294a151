#include "core/quant/codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "core/quant/format_table.h"

namespace adder {
namespace {

const Format* find_format(DType dtype) {
  for (const auto formats :
       {float_formats(), legacy_formats(), scale_min_formats(), signed_scale_formats(), iq4_formats()})
    for (const Format& format : formats)
      if (format.dtype == dtype) return &format;
  return nullptr;
}

const Format& format_of(DType dtype) {
  const Format* format = find_format(dtype);
  CHECK(format != nullptr, "{} is not a type of numbers", name(dtype));
  return *format;
}

/// The largest magnitude, NaN if there is one: as integers, which compilers vectorise, NaN is above all numbers.
float largest_magnitude(std::span<const float> x) {
  int32_t largest = 0;
  for (const float v : x) largest = std::max(largest, std::bit_cast<int32_t>(v) & 0x7fffffff);
  return std::bit_cast<float>(largest);
}

/// The importance of a row as the formats take it: the largest in [1, 2), so that no product over- or underflows, and
/// none below 2^-30. Scaling by a power of two changes no rounding. Empty if there is none.
Result<std::vector<float>> conditioned(std::span<const float> importance) {
  const float largest = largest_magnitude(importance);
  int negative = 0;
  for (const float w : importance) negative |= static_cast<int>(w < 0);
  if (!std::isfinite(largest) || negative != 0) {
    const auto bad = std::ranges::find_if_not(importance, [](float w) { return w >= 0 && std::isfinite(w); });
    return Error::corrupt("the importance of element {} is {}, expected a finite number of at least 0",
                          bad - importance.begin(), *bad);
  }
  if (largest == 0) return std::vector<float>();
  const int exponent = -std::ilogb(largest);
  const float half = std::ldexp(1.0f, exponent / 2), rest = std::ldexp(1.0f, exponent - exponent / 2);
  std::vector<float> weights(importance.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    const float w = importance[i] * half * rest;  // 2^exponent alone may be beyond a float
    weights[i] = w > 0x1p-30f ? w : 0x1p-30f;
  }
  return weights;
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
  if (dtype == DType::kF32 || dtype == DType::kF8E4M3) return std::numeric_limits<float>::max();
  return dtype == DType::kBF16 ? bf16_to_float(0x7f7f) : half_to_float(0x7bff);
}

Status encode(DType dtype, std::span<const float> x, std::span<const float> importance, std::byte* out) {
  CHECK(x.size() % static_cast<size_t>(info(dtype).block_size) == 0, "{} elements of {}", x.size(), name(dtype));
  CHECK(importance.empty() || importance.size() == x.size(), "{} weights for {} elements", importance.size(), x.size());
  CHECK(can_encode(dtype), "{}", name(dtype));
  const Format& format = format_of(dtype);
  const float largest = largest_encodable(dtype);
  if (!(largest_magnitude(x) <= largest)) {
    const auto bad = std::ranges::find_if_not(x, [&](float value) { return std::fabs(value) <= largest; });
    return Error::corrupt("element {} is {}, {} holds magnitudes up to {}", bad - x.begin(), *bad, name(dtype),
                          largest);
  }
  TRY_ASSIGN(const std::vector<float> weights, conditioned(importance));
  format.encode(*supported_searches().back(), x, weights, out);
  return {};
}

std::optional<int64_t> find_non_finite(DType dtype, const std::byte* blocks, int64_t n) {
  CHECK(n % info(dtype).block_size == 0, "{} elements of {}", n, name(dtype));
  const int64_t found = format_of(dtype).find_non_finite(blocks, n);
  return found < n ? std::optional(found) : std::nullopt;
}

}  // namespace adder
