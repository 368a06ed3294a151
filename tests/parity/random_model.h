#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "core/arch/bind.h"
#include "core/text/tokenizer.h"
#include "run/model/model.h"

namespace adder {

/// Everything about a small model that tests vary.
struct ModelSketch {
  std::string_view pattern = "M-M*-M";
  int64_t vocab = 151, hidden = 48, ffn = 72;
  int64_t heads = 4, kv_heads = 2, head_dim = 16;
  int64_t mamba_heads = 6, mamba_head_dim = 8, state = 16, groups = 2, conv = 4;
  bool tied = false;
};
ModelConfig config_of(const ModelSketch& sketch);

/// The type of each matrix.
using TypeRule = std::function<DType(const TensorSpec&)>;
TypeRule all(DType dtype);
/// A mix like that of published files: `wide` where rows are multiples of its block, else Q5_0, else Q8_0 or F32.
TypeRule mix(DType wide);

/// A model of random weights, in memory, with activations of about unit size and states that live for tens to hundreds
/// of tokens, so that a mistake in what is remembered shows. The tensors live as long as any copy of the object.
class RandomModel {
 public:
  RandomModel(const ModelSketch& sketch, const TypeRule& types, uint64_t seed = 1);

  const BoundModel& bound() const { return bound_; }
  std::shared_ptr<const Model> model(const Ops* ops = nullptr) const;

  /// Overwrites stored bytes of a tensor, for tests of damaged files.
  std::byte* bytes(Role role, int layer = -1);

 private:
  std::shared_ptr<std::vector<Tensor>> tensors_ = std::make_shared<std::vector<Tensor>>();
  BoundModel bound_;
};

std::vector<TokenId> random_tokens(int64_t n, int64_t vocab, uint64_t seed);

}  // namespace adder
