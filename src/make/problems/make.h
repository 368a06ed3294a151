#pragma once

#include "make/problems/problem.h"

namespace adder {

// One function of each task, see tasks().
Problem make_recall(Rng& rng, int64_t level);
Problem make_copying(Rng& rng, int64_t level);
Problem make_arithmetic(Rng& rng, int64_t level);
Problem make_counting(Rng& rng, int64_t level);
Problem make_formatting(Rng& rng, int64_t level);
Problem make_facts(Rng& rng, int64_t level);

}  // namespace adder
