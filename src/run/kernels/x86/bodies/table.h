#pragma once

#include "run/kernels/x86/bodies/attention.h"
#include "run/kernels/x86/bodies/conv.h"
#include "run/kernels/x86/bodies/linear.h"
#include "run/kernels/x86/bodies/norm.h"
#include "run/kernels/x86/bodies/ssm.h"
#include "run/kernels/x86/q8/quantize.h"

namespace adder::ADDER_LEVEL {

void replace_rows(Ops& ops) {
  ops.quantize_rows = quantize_rows;
  ops.rms_norm = rms_norm;
  ops.gated_norm = gated_norm;
  ops.conv_silu = conv_silu;
  ops.ssd_output = ssd_output;
  ops.ssd_advance = ssd_advance;
  ops.attention = attention;
  ops.relu2 = relu2;
  ops.add = add_to;
  ops.to_kv = to_kv;
}

}  // namespace adder::ADDER_LEVEL
