#pragma once

#include "core/tensor/dtype.h"

namespace adder {

// A Mamba head's decay rate is stored as A in GGUF and as A_log in the Hugging Face layout: A = -exp(A_log).

/// A of A_log, rounded once to f32.
float a_of_log(float a_log);

/// The number of `type` (F32, F16 or BF16) whose A is `a`, or is nearest it where none has that very value. `a` < 0.
///
/// log_of_a(a_of_log(x), BF16) is x, to the bit, for 0 and for every BF16 x of a magnitude from 2^-16 to 87: 5,727 of
/// the 65,280 finite ones, and all that models have. Nearer to 0 several x have one A in f32, farther away A leaves its
/// normal numbers; 417 come back all the same. Of F32 no such range comes back: below 1, thousands of x may have one A.
float log_of_a(float a, DType type);

}  // namespace adder
