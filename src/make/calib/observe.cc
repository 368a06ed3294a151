#include "make/calib/observe.h"

#include "run/engine/engine.h"

namespace adder {

Status observe(Engine& engine, std::span<const Window> windows, bool with_output, const OnLinear& tap,
               const std::function<Status(double done)>& progress) {
  engine.forward().observe({.input = tap});
  Status status;
  for (size_t i = 0; i < windows.size() && status; ++i) {
    status = run_whole(engine, windows[i], {}, with_output ? Want::kAll : Want::kNothing);
    if (status && progress) status = progress(static_cast<double>(i + 1) / static_cast<double>(windows.size()));
  }
  engine.forward().observe({});
  return status;
}

}  // namespace adder
