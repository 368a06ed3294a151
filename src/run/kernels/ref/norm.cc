#include <cmath>

#include "run/kernels/math.h"
#include "run/kernels/ref/ref.h"

namespace adder::ref {
namespace {

void normalise(const float* x, const float* w, float* y, int64_t width, float eps) {
  const float mean = dot16(x, x, width) / static_cast<float>(width);
  const float scale = 1.0f / std::sqrt(mean + eps);
  for (int64_t i = 0; i < width; ++i) y[i] = (x[i] * scale) * w[i];
}

}  // namespace

void rms_norm(const RmsNormArgs& a, int64_t begin, int64_t end) {
  for (int64_t t = begin; t < end; ++t) normalise(a.x + t * a.width, a.w, a.y + t * a.width, a.width, a.eps);
}

void gated_norm(const GatedNormArgs& a, int64_t begin, int64_t end) {
  const int64_t width = a.d_inner / a.n_groups;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t t = item / a.n_groups, first = item % a.n_groups * width;
    const float* y = a.y + t * a.d_inner + first;
    const float* z = a.z + t * a.z_stride + first;
    float* out = a.out + t * a.d_inner + first;
    for (int64_t i = 0; i < width; ++i) out[i] = y[i] * silu(z[i]);
    normalise(out, a.w + first, out, width, a.eps);
  }
}

}  // namespace adder::ref
