#pragma once

#include "make/train/base/torch.h"

#include <string>

#include "make/train/loop/metrics.h"
#include "make/train/loop/trainer.h"

namespace adder {

/// The text that a model is judged by.
struct HeldOutText {
  const std::vector<TokenId>* stream = nullptr;
  int64_t bytes = 0;  ///< of the text before it was tokens
  TokenId bos = 0;
};

/// Loss over the held-out books.
struct HeldOutLoss {
  double nats_per_token = 0, bits_per_byte = 0;
  double kl_per_token = 0, agreement = 0;  ///< with the teacher, if the objective has one; agreement is a share
  double accuracy = 0;                     ///< share of the tokens that were found likeliest
  int64_t tokens = 0;
  int64_t parameters = 0;  ///< of the model that was judged
};

/// `windows` of the recipe's length spread evenly, 0 for all.
HeldOutLoss held_out_loss(const Trainer& trainer, const Objective& objective, const HeldOutText& text, int64_t windows,
                          int threads);

/// Says it on stderr, `whose` it is where a run has several, and adds it to the run's diary as `kind` of the step the
/// trainer has come to.
Status tell(const Metrics& metrics, const Trainer& trainer, const HeldOutLoss& loss, const std::string& whose = "",
            const std::string& kind = "held_out");

}  // namespace adder
