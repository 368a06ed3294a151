#pragma once

#include "run/kernels/x86/bodies/lanes.h"
#include "run/kernels/x86/flat.h"

namespace adder::ADDER_LEVEL {
namespace {

/// Channels [begin, end) of all tokens. kTaps is the kernel's width if known to the compiler, else 0.
template <int kTaps>
inline void conv_block(const ConvSiluArgs& a, int64_t begin, int64_t end) {
  const int64_t taps = kTaps > 0 ? kTaps : a.kernel;
  for (int64_t t = 0; t < a.n_tokens; ++t) {
    const float* in = a.in + t * a.in_stride;
    float* window = a.log + t * a.conv_dim;
    for (int64_t c = begin; c < end; c += kWidth) {
      const int64_t left = end - c;
      const F now = load(in + c, left);
      F sum = load(a.b + c, left);
      for (int64_t k = 0; k + 1 < taps; ++k) {
        sum = fma(load(a.w + k * a.conv_dim + c, left), load(window + k * a.conv_dim + c, left), sum);
      }
      sum = fma(load(a.w + (taps - 1) * a.conv_dim + c, left), now, sum);
      store(window + (taps - 1) * a.conv_dim + c, now, left);
      store(a.out + t * a.conv_dim + c, silu(sum), left);
    }
  }
}

void conv_silu(const ConvSiluArgs& a, int64_t begin, int64_t end) {
  constexpr int64_t kBlock = 512;  // channels whose taps and window stay in the first cache from token to token
  for (int64_t c = begin; c < end; c += kBlock) {
    const int64_t last = smaller(c + kBlock, end);
    if (a.kernel == 4) {
      conv_block<4>(a, c, last);
    } else {
      conv_block<0>(a, c, last);
    }
  }
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
