#pragma once

#include <functional>
#include <span>

#include "make/compress/scores.h"
#include "make/eval/windows.h"

namespace adder {

struct WidthScoreOptions {
  FfnReading ffn_reading = FfnReading::kAfterActivation;
  std::function<Status(double done)> progress = {};
};

/// Runs `engine` over every position of the windows, once, and gives all scores but the ranking of layers. With |.|_w
/// the mean of absolute values over the positions of window w, u a norm's output:
///     residual channel i     sum over all norms of   sqrt sum_w |u_i|_w^2
///     FFN neuron i           sqrt sum_w |a_i|_w^2, a = W1 u or relu(W1 u)^2
///     s of head h, channel p sqrt sum_w |x_hp|_w^2, x the rows of in_proj that it is named for
///     attention head h       sum_w || (|o_hd|_w)_d ||_2, o the head's output
///     influence of layer j   1 - mean over all positions of cos(h_j, h_{j+1})
/// Memory: a number for each of these. Errors: those of `Forward::run`; numbers that are not finite (kCorrupt).
Result<Scores> gather_width_scores(Engine& engine, std::span<const Window> windows,
                                   const WidthScoreOptions& options = {});

}  // namespace adder
