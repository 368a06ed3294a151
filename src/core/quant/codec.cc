#include "core/quant/codec.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

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

/// The importance of a row as the formats take it: the largest in [1, 2), so that no product over- or underflows, and
/// none below 2^-30. Scaling by a power of two changes no rounding. Empty if there is none.
Result<std::vector<float>> conditioned(std::span<const float> importance) {
  const auto bad = std::ranges::find_if_not(importance, [](float w) { return w >= 0 && std::isfinite(w); });
  if (bad != importance.end())
    return Error::corrupt("the importance of element {} is {}, expected a finite number of at least 0",
                          bad - importance.begin(), *bad);
  const float largest = importance.empty() ? 0.0f : *std::ranges::max_element(importance);
  std::vector<float> weights;
  if (largest == 0) return weights;
  const double scale = std::ldexp(1.0, -std::ilogb(largest));
  weights.reserve(importance.size());
  for (const float w : importance) weights.push_back(std::max(static_cast<float>(w * scale), 0x1p-30f));
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
  if (dtype == DType::kF32) return std::numeric_limits<float>::max();
  return dtype == DType::kBF16 ? bf16_to_float(0x7f7f) : half_to_float(0x7bff);
}

Status encode(DType dtype, std::span<const float> x, std::span<const float> importance, std::byte* out) {
  CHECK(can_encode(dtype), "{}", name(dtype));
  CHECK(x.size() % static_cast<size_t>(info(dtype).block_size) == 0, "{} elements of {}", x.size(), name(dtype));
  CHECK(importance.empty() || importance.size() == x.size(), "{} weights for {} elements", importance.size(), x.size());
  const float largest = largest_encodable(dtype);
  const auto bad = std::ranges::find_if_not(x, [&](float value) { return std::fabs(value) <= largest; });
  if (bad != x.end())
    return Error::corrupt("element {} is {}, {} holds magnitudes up to {}", bad - x.begin(), *bad, name(dtype),
                          largest);
  TRY_ASSIGN(const std::vector<float> weights, conditioned(importance));
  format_of(dtype).encode(x, weights, out);
  return {};
}

std::optional<int64_t> find_non_finite(DType dtype, const std::byte* blocks, int64_t n) {
  CHECK(n % info(dtype).block_size == 0, "{} elements of {}", n, name(dtype));
  const int64_t found = format_of(dtype).find_non_finite(blocks, n);
  return found < n ? std::optional(found) : std::nullopt;
}

}  // namespace adder
