#include "make/calib/observe.h"

#include <algorithm>

#include "run/engine/engine.h"

namespace adder {
namespace {

/// Tokens of one pass, all of whose logits may be computed: a large vocabulary takes half a megabyte for each.
constexpr int64_t kTokensPerPass = 64;

Status run_whole(Engine& engine, const Window& window, Want want) {
  TRY_ASSIGN(Sequence sequence, engine.new_sequence());
  for (std::span<const TokenId> left = window.tokens; !left.empty();) {
    const auto part = left.first(std::min(left.size(), static_cast<size_t>(kTokensPerPass)));
    const Segment segment{&sequence, part, want};
    TRY(engine.forward().run({&segment, 1}));
    left = left.subspan(part.size());
  }
  return {};
}

}  // namespace

Status observe(Engine& engine, std::span<const Window> windows, bool with_output, const OnLinear& tap,
               const std::function<Status(double done)>& progress) {
  engine.forward().observe(tap);
  Status status;
  for (size_t i = 0; i < windows.size() && status; ++i) {
    status = run_whole(engine, windows[i], with_output ? Want::kAll : Want::kNothing);
    if (status && progress) status = progress(static_cast<double>(i + 1) / static_cast<double>(windows.size()));
  }
  engine.forward().observe({});
  return status;
}

}  // namespace adder
