#include "core/arch/a_log.h"

#include <array>
#include <cmath>

#include "core/quant/codec.h"

namespace adder {
namespace {

float rounded_to(DType type, double value) {
  const auto wide = static_cast<float>(value);
  std::array<std::byte, sizeof(float)> stored;
  float result = 0;
  CHECK(encode(type, {&wide, 1}, {}, stored.data()), "{} as {}", value, name(type));
  decode(type, stored.data(), {&result, 1});
  return result;
}

}  // namespace

float a_of_log(float a_log) {
  return -static_cast<float>(std::exp(static_cast<double>(a_log)));
}

float log_of_a(float a, DType type) {
  CHECK(a < 0, "{}", a);
  const double exact = std::log(-static_cast<double>(a));
  const float nearest = rounded_to(type, exact);
  if (type != DType::kF32 || a_of_log(nearest) == a) return nearest;
  for (const float toward : {-HUGE_VALF, HUGE_VALF}) {
    const float neighbour = std::nextafter(nearest, toward);
    if (a_of_log(neighbour) == a) return neighbour;
  }
  return nearest;
}

}  // namespace adder
