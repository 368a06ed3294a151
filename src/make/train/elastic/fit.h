#pragma once

#include <functional>

#include "make/train/elastic/prefixes.h"

namespace adder {

/// The child within a budget that a router finds likeliest. Its own first choice need not be one: budgets are met by
/// expectation, while the router is uncertain, and inside a dead zone.
///
/// `scores` are the router's logits, [slots, choices] for every axis; a child's is their sum. Of all children whose
/// cost is within 1 % below `most` the one of the highest score; where there is none, within 2 %, 4 % and so on; the
/// smallest where all cost more. On an axis with several slots these move together: all by the same number of choices
/// from their own best. Children are asked for their cost in the order of their scores, none after the one that is
/// found.
Decision fit(const SearchSpace& space, const ChoiceWeights& scores, const std::function<double(const Decision&)>& cost,
             double most);

}  // namespace adder
