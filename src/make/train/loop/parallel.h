#pragma once

#include <functional>

namespace adder {

/// body(0) ... body(n - 1), each on a thread of its own; the caller is body(0). The first exception is thrown again
/// after all have ended. Starting threads costs microseconds, a training step costs seconds.
void run_side_by_side(int n, const std::function<void(int)>& body);

}  // namespace adder
