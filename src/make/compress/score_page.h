#pragma once

#include <string>

#include "core/arch/config.h"
#include "make/compress/scores.h"

namespace adder {

/// A self-contained page of pictures: for each axis a heat map, a row for each layer, its parts from the best to the
/// least; the influence of every layer; the layers in the order they would go and what is lost.
std::string score_page(const std::string& title, const Scores& scores, const ModelConfig& config);

/// Mean values of at most `cells` equal stretches of the scores in falling order.
std::vector<double> falling_profile(std::vector<double> scores, size_t cells);

}  // namespace adder
