#include "run/kernels/ref/ref.h"
#include "run/kernels/tables.h"

namespace adder {

const Ops& scalar_ops() {
  static constexpr Ops kOps = {
      .name = "scalar",
      .linear = ref::linear,
      .quantize_rows = ref::quantize_rows,
      .linear_q8 = ref::linear_q8,
      .rms_norm = ref::rms_norm,
      .gated_norm = ref::gated_norm,
      .conv_silu = ref::conv_silu,
      .ssd_output = ref::ssd_output,
      .ssd_advance = ref::ssd_advance,
      .attention = ref::attention,
      .relu2 = ref::relu2,
      .add = ref::add,
      .softplus = ref::softplus,
      .to_kv = ref::to_kv,
  };
  return kOps;
}

}  // namespace adder
