#pragma once

#include <span>
#include <vector>

#include "core/arch/bind.h"
#include "core/text/tokenizer.h"

namespace adder {

/// The architecture once more, in double and one token at a time: the recurrence as it is defined, no chunks, no cache
/// layout, nothing shared with the engine but the stored weights. Logits of every position, [tokens, vocab].
std::vector<double> oracle_logits(const BoundModel& model, std::span<const TokenId> tokens);

}  // namespace adder
