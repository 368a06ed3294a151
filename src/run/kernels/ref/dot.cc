#include <array>
#include <cmath>

#include "run/kernels/ref/ref.h"

namespace adder::ref {
namespace {

float fold(std::array<float, kLanes> lanes) {
  for (size_t width = kLanes / 2; width > 0; width /= 2) {
    for (size_t l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}

}  // namespace

void DotLanes::add(const float* a, const float* b, int64_t n) {
  for (int64_t k = 0; k < n; k += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) {
      const bool inside = k + l < n;
      float& lane = lanes[static_cast<size_t>(l)];
      lane = std::fma(inside ? a[k + l] : 0.0f, inside ? b[k + l] : 0.0f, lane);
    }
  }
}

float DotLanes::total() const {
  return fold(lanes);
}

float dot16(const float* a, const float* b, int64_t n) {
  DotLanes dot;
  dot.add(a, b, n);
  return dot.total();
}

float sum16(const float* a, int64_t n) {
  std::array<float, kLanes> lanes{};
  for (int64_t k = 0; k < n; k += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[static_cast<size_t>(l)] += k + l < n ? a[k + l] : 0.0f;
  }
  return fold(lanes);
}

}  // namespace adder::ref
