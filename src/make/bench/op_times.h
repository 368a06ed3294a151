#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "run/kernels/ops.h"

namespace adder {

/// What one op of the table did between two looks, all threads together.
struct OpTime {
  std::string op;         ///< "linear_q8 Q4_K": the op, and the type of its weights or keys where it has one
  int64_t calls = 0;      ///< of the function: a thread's share of a loop is one
  double seconds = 0;     ///< inside it, summed over threads
  double bytes = 0;       ///< read and written of what it is given, each byte once a call
  double operations = 0;  ///< additions and multiplications; 0 where the op is all about bytes
};

/// `base` with a clock round every op: the same numbers, some 50 ns a call later. There is one set of counters in the
/// process, so one such table at a time; the table lives as long as the process.
const Ops& timed_ops(const Ops& base);

/// The counters since the last call, which sets them to zero; ops that were not called are left out, the longest first.
/// Not while an op runs.
std::vector<OpTime> take_op_times();

}  // namespace adder
