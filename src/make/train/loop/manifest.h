#pragma once

#include <nlohmann/json.hpp>

#include "make/train/loop/pretrain.h"

namespace adder {

/// What lies beside a published model and says where it comes from: every book with its hash and whether it was held
/// out, the whole recipe, steps (of which decay) and tokens seen, loss and bits per byte over all held-out books, the
/// licence of weights and of data, and name, size and hash of `file`.
Result<nlohmann::ordered_json> manifest(const Workshop& shop, const HeldOutLoss& loss,
                                        const std::filesystem::path& file);

/// The same in a line, for the receipt in the file itself: "train seedling: 3662 steps, 7499776 tokens, books HASH",
/// the hash taken over those of the books.
std::string training_step(const Workshop& shop);

}  // namespace adder
