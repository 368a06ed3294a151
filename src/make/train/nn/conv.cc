#include "make/train/nn/conv.h"

#include "make/train/nn/conv_paths.h"
#include "make/train/nn/maybe_tensor.h"

namespace adder {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// On a CPU several times faster than libtorch's grouped convolution, and free of transposes.
struct CausalConvSilu : torch::autograd::Function<CausalConvSilu> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& w, const Tensor& bias,
                        const MaybeTensor& maybe_starts) {
    const Tensor& starts = maybe_starts.value;
    const Tensor by_tap = w.t().contiguous();
    const Tensor a = (x.is_cpu() ? conv_by_rows : conv_by_shifts)(x, by_tap, bias, starts);
    ctx->save_for_backward({x, by_tap, a, starts});
    return at::silu(a);
  }

  static tensor_list backward(AutogradContext* ctx, const tensor_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &by_tap = saved[1], &a = saved[2], &starts = saved[3];
    const Tensor da = at::silu_backward(grads[0].contiguous(), a);
    const auto [dx, d_by_tap, d_bias] =
        (x.is_cpu() ? conv_by_rows_backward : conv_by_shifts_backward)(da, x, by_tap, starts);
    return {dx, d_by_tap.t().contiguous(), d_bias, Tensor()};
  }
};

}  // namespace

Tensor causal_conv_silu(const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& starts) {
  return CausalConvSilu::apply(x, w, bias, MaybeTensor{starts});
}

}  // namespace adder
