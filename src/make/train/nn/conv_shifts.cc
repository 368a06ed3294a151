#include "make/train/nn/conv_paths.h"

namespace adder {
namespace {

using torch::Tensor;

/// Ones where position t + delay is of the document of t, [B,T-delay,1].
Tensor same_document(const Tensor& x, const Tensor& starts, int64_t delay) {
  const int64_t rest = x.size(1) - delay;
  Tensor crossed = starts.narrow(1, delay, rest).clone();
  for (int64_t back = 1; back < delay; ++back) crossed.logical_or_(starts.narrow(1, delay - back, rest));
  return crossed.logical_not_().to(x.scalar_type()).unsqueeze(-1);
}

/// x delayed by `delay` for the last T-delay positions, zero where a document starts in between.
Tensor delayed(const Tensor& x, const Tensor& starts, int64_t delay) {
  const Tensor source = x.narrow(1, 0, x.size(1) - delay);
  if (!starts.defined() || delay == 0) return source;
  return source * same_document(x, starts, delay);
}

}  // namespace

Tensor conv_by_shifts(const Tensor& x, const Tensor& by_tap, const Tensor& bias, const Tensor& starts) {
  const int64_t steps = x.size(1), taps = by_tap.size(0);
  Tensor a = at::addcmul(bias, x, by_tap[taps - 1]);
  for (int64_t delay = 1; delay < std::min(taps, steps); ++delay) {
    a.narrow(1, delay, steps - delay).addcmul_(delayed(x, starts, delay), by_tap[taps - 1 - delay]);
  }
  return a;
}

ConvGradients conv_by_shifts_backward(const Tensor& da, const Tensor& x, const Tensor& by_tap, const Tensor& starts) {
  const int64_t steps = x.size(1), taps = by_tap.size(0);
  Tensor dx = da * by_tap[taps - 1];
  Tensor d_by_tap = at::zeros_like(by_tap);
  for (int64_t delay = 0; delay < std::min(taps, steps); ++delay) {
    const int64_t tap = taps - 1 - delay;
    const Tensor late = da.narrow(1, delay, steps - delay);
    d_by_tap[tap] = (late * delayed(x, starts, delay)).sum(at::IntArrayRef({0, 1}));
    if (delay == 0) continue;
    const Tensor reaching = starts.defined() ? late * same_document(x, starts, delay) : late;
    dx.narrow(1, 0, steps - delay).addcmul_(reaching, by_tap[tap]);
  }
  return {dx, d_by_tap, da.sum(at::IntArrayRef({0, 1}))};
}

}  // namespace adder
