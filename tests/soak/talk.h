#pragma once

#include <vector>

#include "core/base/rng.h"
#include "run/engine/engine.h"

namespace adder {

/// A talk with an engine that speculates and goes on from earlier prompts: prompts are continued, edited, shortened and
/// begun anew, answers sampled in all ways and often cancelled, some while the prompt is being read. Each must be the
/// answer of an engine that does neither.
class Talk {
 public:
  Talk(Engine& quick, Engine& plain) : quick_(quick), plain_(plain) {}

  /// One prompt and its two answers. kCorrupt when they differ.
  Status round(Rng& rng);

 private:
  void next_prompt(Rng& rng);
  Status break_off(Rng& rng, const GenerateRequest& request);

  Engine& quick_;
  Engine& plain_;
  std::vector<TokenId> prompt_, answer_;
};

}  // namespace adder
