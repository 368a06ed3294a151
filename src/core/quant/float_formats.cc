#include <algorithm>

#include "core/quant/format_table.h"

namespace adder {
namespace {

template <class Bits, float (*kToFloat)(Bits)>
void decode_float(const std::byte* in, std::span<float> out) {
  for (float& x : out) {
    x = kToFloat(load_block<Bits>(in));
    in += sizeof(Bits);
  }
}

template <class Bits, Bits (*kFromFloat)(float)>
void encode_float(const Searches& /*searches*/, std::span<const float> x, std::span<const float> /*importance*/,
                  std::byte* out) {
  for (const float value : x) {
    const Bits bits = kFromFloat(value);
    std::memcpy(out, &bits, sizeof bits);
    out += sizeof bits;
  }
}

template <class Bits, float (*kToFloat)(Bits)>
int64_t find_non_finite_float(const std::byte* in, int64_t n) {
  for (int64_t i = 0; i < n; ++i, in += sizeof(Bits))
    if (!std::isfinite(kToFloat(load_block<Bits>(in)))) return i;
  return n;
}

/// Codes tell it sooner than numbers, many at a time.
int64_t find_nan_e4m3(const std::byte* in, int64_t n) {
  constexpr int64_t kTogether = 4096;
  const auto is_nan = [](std::byte code) { return (code & std::byte{0x7f}) == std::byte{0x7f}; };
  for (int64_t begin = 0; begin < n; begin += kTogether) {
    const int64_t end = std::min(begin + kTogether, n);
    int found = 0;
    for (int64_t i = begin; i < end; ++i) found |= static_cast<int>(is_nan(in[i]));
    if (found != 0) return std::find_if(in + begin, in + end, is_nan) - in;
  }
  return n;
}

float identity(float x) {
  return x;
}

}  // namespace

std::span<const Format> float_formats() {
  static constexpr Format kFormats[] = {
      {DType::kF32, decode_float<float, identity>, encode_float<float, identity>,
       find_non_finite_float<float, identity>},
      {DType::kF16, decode_float<uint16_t, half_to_float>, encode_float<uint16_t, float_to_half>,
       find_non_finite_float<uint16_t, half_to_float>},
      {DType::kBF16, decode_float<uint16_t, bf16_to_float>, encode_float<uint16_t, float_to_bf16>,
       find_non_finite_float<uint16_t, bf16_to_float>},
      {DType::kF8E4M3, decode_float<uint8_t, e4m3_to_float>, encode_float<uint8_t, float_to_e4m3>, find_nan_e4m3},
  };
  return kFormats;
}

}  // namespace adder
