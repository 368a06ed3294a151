#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/arch/fp8.h"
#include "core/arch/roles.h"
#include "core/base/hash.h"
#include "core/formats/model_file.h"
#include "core/formats/seal.h"

namespace adder {

/// The hash that says which model this is: XXH3-128 over lines of text, first the config
///     layer KIND intermediate_size num_key_value_heads        (one a layer, KIND a letter of the pattern)
///     config vocab_size hidden_size num_attention_heads head_dim mamba_num_heads mamba_head_dim ssm_state_size
///            n_groups conv_kernel norm_eps(shortest decimal) tie_word_embeddings(0 or 1)       (one line)
/// then in the order of tensor_specs
///     GGUF_NAME TYPE HASH                                     (XXH3-128 of the stored bytes, in hex)
///     scales WEIGHT INPUT CACHE                               (only of a tensor that has any, fp8.h; 0: not there)
/// Names are GGUF's in either layout, so a copy in the other layout with the same bytes is the same model.
class ModelHash {
 public:
  explicit ModelHash(const ModelConfig& config);
  void add(const TensorSpec& spec, DType dtype, std::string_view tensor_hash, const Fp8Scales& scales = {});
  std::string hex() const { return hash_.hex(); }

 private:
  void line(std::string_view text);
  Hash128 hash_;
};

/// One step of how a model came to be.
struct ReceiptStep {
  std::string recipe;  ///< the command with all that decides its result: "quantize --type q4_k_m"
  std::string source;  ///< ModelHash of the model it read; empty when it read none

  bool operator==(const ReceiptStep&) const = default;
};

/// How far a model is from the one that the last step read, KL(that || this) in nats per token, measured on a text.
struct ReceiptDivergence {
  double kl = 0, kl_error = 0;  ///< mean and its standard error
  int64_t tokens = 0;           ///< scored
  std::string text;             ///< XXH3-128 of its bytes

  bool operator==(const ReceiptDivergence&) const = default;
};

/// Where a file comes from and what it is, beside the hashes of seal.h:
///                  GGUF (adder.receipt.*)     kSealFile
///   version        version                    "adder"
///   steps          recipe, source (arrays)    "steps": [{"recipe", "source"}]
///   bits ...       bits_per_weight            "bits_per_weight"
///   model hash     model_hash                 "model_hash"
///   divergence     divergence, divergence_error, divergence_tokens, divergence_text (GGUF alone, and not always)
struct Receipt {
  std::string version;             ///< of adder
  std::vector<ReceiptStep> steps;  ///< oldest first; the last one wrote the file
  double bits_per_weight = 0;      ///< of all tensors
  std::string model_hash;          ///< of the model in the file
  std::optional<ReceiptDivergence> divergence = {};

  bool operator==(const Receipt&) const = default;
};

/// Nothing for a model without a receipt; kCorrupt for half of one.
Result<std::optional<Receipt>> read_receipt(const ModelFile& file);

/// The steps of a model that is made from `source`: the source's own, then this one, whose source's hash is still
/// blank. A receipt that cannot be read is left out: to find out what is wrong with a file is not the business of its
/// readers.
std::vector<ReceiptStep> steps_from(const ModelFile& source, std::string recipe);

/// A receipt by this version of adder, model hash still blank.
Receipt make_receipt(const std::vector<TensorSpec>& specs, const std::vector<DType>& types,
                     std::vector<ReceiptStep> steps);

std::vector<GgufEntry> gguf_entries(const Receipt& receipt);
nlohmann::ordered_json to_json(const Receipt& receipt);

}  // namespace adder
