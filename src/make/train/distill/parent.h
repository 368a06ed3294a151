#pragma once

#include "make/train/base/torch.h"

#include <filesystem>
#include <memory>
#include <optional>

#include "core/arch/bind.h"
#include "core/arch/receipt.h"
#include "core/text/tokenizer.h"
#include "make/compress/nested.h"
#include "make/train/nn/parameters.h"

namespace adder {

/// A model that others are made from, as a file has it; its weights are read when they are asked for.
struct Parent {
  BoundModel model;
  Tokenizer tokenizer;
  std::optional<NestedRecord> nested;

  /// GGUF or a Hugging Face directory. Its tokenizer must have a beginning and an end of text, by which documents are
  /// told apart.
  static Result<Parent> open(const std::filesystem::path& path);

  const ModelConfig& config() const { return model.config; }
  Result<Parameters> weights(torch::Device device) const;
  /// How a model came to be that `recipe` makes from this one.
  std::vector<ReceiptStep> steps_to(std::string recipe) const;
};

/// The order of importance that a nested model has; of one without, an error that says how to get it.
Result<NestedRecord> nested_order(const Parent& parent);

}  // namespace adder
