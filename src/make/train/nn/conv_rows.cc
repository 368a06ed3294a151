#include <algorithm>

#include "make/train/nn/conv_paths.h"

namespace adder {
namespace {

using torch::Tensor;

/// Calls visit(row of the batch, t, how many taps reach x of t's document).
template <class Visit>
void for_positions(const Tensor& x, int64_t taps, const Tensor& starts, Visit&& visit) {
  const Tensor begins = starts.defined() ? starts.contiguous() : starts;
  for (int64_t row = 0; row < x.size(0); ++row) {
    int64_t reach = 0;
    for (int64_t t = 0; t < x.size(1); ++t) {
      const bool is_start = begins.defined() && begins.data_ptr<bool>()[row * x.size(1) + t];
      reach = is_start ? 1 : std::min(reach + 1, taps);
      visit(row, t, reach);
    }
  }
}

#ifdef __x86_64__
#define ADDER_FOR_EVERY_WIDTH __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define ADDER_FOR_EVERY_WIDTH
#endif

/// Every channel by itself, in one rounding after another: the same for every width of vectors.
ADDER_FOR_EVERY_WIDTH void accumulate(float* __restrict sum, const float* __restrict a, const float* __restrict b,
                                      int64_t n) {
  for (int64_t i = 0; i < n; ++i) sum[i] += a[i] * b[i];
}
void accumulate(double* __restrict sum, const double* __restrict a, const double* __restrict b, int64_t n) {
  for (int64_t i = 0; i < n; ++i) sum[i] += a[i] * b[i];
}

/// Rows of a tensor [B,T,C] or [K,C], channels in one piece.
template <class Number>
struct Rows {
  Number* data;
  int64_t by_batch, by_row;
  explicit Rows(const Tensor& t)
      : data(t.data_ptr<Number>()), by_batch(t.dim() == 3 ? t.stride(0) : 0), by_row(t.stride(-2)) {
    CHECK(t.stride(-1) == 1 || t.size(-1) == 1, "channels in steps of {}", t.stride(-1));
  }
  Number* operator()(int64_t row, int64_t t) const { return data + row * by_batch + t * by_row; }
  Number* operator()(int64_t tap) const { return data + tap * by_row; }
};

template <class Number>
void forward(const Tensor& x, const Tensor& by_tap, const Tensor& bias, const Tensor& starts, const Tensor& a) {
  const Rows<Number> xs(x), ws(by_tap), as(a);
  const int64_t taps = by_tap.size(0), channels = x.size(2);
  const auto* first = bias.data_ptr<Number>();
  for_positions(x, taps, starts, [&](int64_t row, int64_t t, int64_t reach) {
    Number* sum = as(row, t);
    std::copy_n(first, channels, sum);
    for (int64_t delay = 0; delay < reach; ++delay) {
      accumulate(sum, xs(row, t - delay), ws(taps - 1 - delay), channels);
    }
  });
}

template <class Number>
void backward(const Tensor& da, const Tensor& x, const Tensor& by_tap, const Tensor& starts,
              const ConvGradients& grads) {
  const Rows<Number> das(da), xs(x), ws(by_tap), dxs(grads.dx), dws(grads.d_by_tap);
  const int64_t taps = by_tap.size(0), channels = x.size(2);
  for_positions(x, taps, starts, [&](int64_t row, int64_t t, int64_t reach) {
    for (int64_t delay = 0; delay < reach; ++delay) {
      const int64_t tap = taps - 1 - delay;
      accumulate(dxs(row, t - delay), das(row, t), ws(tap), channels);
      accumulate(dws(tap), das(row, t), xs(row, t - delay), channels);
    }
  });
}

}  // namespace

Tensor conv_by_rows(const Tensor& x, const Tensor& by_tap, const Tensor& bias, const Tensor& starts) {
  const Tensor a = at::empty(x.sizes(), x.options().requires_grad(false)), first = bias.contiguous();
  if (x.scalar_type() == torch::kFloat32) {
    forward<float>(x, by_tap, first, starts, a);
  } else {
    forward<double>(x, by_tap, first, starts, a);
  }
  return a;
}

ConvGradients conv_by_rows_backward(const Tensor& da, const Tensor& x, const Tensor& by_tap, const Tensor& starts) {
  const ConvGradients grads{at::zeros_like(da), at::zeros_like(by_tap), da.sum(at::IntArrayRef({0, 1}))};
  if (x.scalar_type() == torch::kFloat32) {
    backward<float>(da, x, by_tap, starts, grads);
  } else {
    backward<double>(da, x, by_tap, starts, grads);
  }
  return grads;
}

}  // namespace adder
