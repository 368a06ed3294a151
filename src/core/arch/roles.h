#pragma once

#include <string>
#include <vector>

#include "core/arch/config.h"
#include "core/tensor/tensor.h"

namespace adder {

/// What a tensor is for. Names, shapes and transforms of a role are known here and nowhere else.
// clang-format off
enum class Role : uint8_t {
  kEmbedding, kOutputNorm, kOutput,                                                  // once
  kNorm,                                                                             // every layer
  kSsmIn, kConvWeight, kConvBias, kDtBias, kA, kD, kSsmNorm, kSsmOut,                // Mamba
  kQ, kK, kV, kO,                                                                    // attention
  kUp, kDown,                                                                        // MLP
};
// clang-format on

std::string_view name(Role role);  ///< "ssm_in"

/// One tensor a model must have. Shapes are adder's canonical ones (matrix [out, in], conv [conv_dim, K], others flat);
/// a file may store the same elements with unit axes or, for ssm_norm, split into groups.
struct TensorSpec {
  Role role;
  int layer = -1;  ///< -1 for the three that are not in a layer
  Shape shape;
  std::string gguf_name;   ///< blk.3.ssm_in.weight
  std::string hf_name;     ///< backbone.layers.3.mixer.in_proj.weight
  bool is_matrix = false;  ///< a weight of a linear map or the embedding: may be quantised; all else stays F32 in GGUF
};

/// The whole model as a list, in file order. Output is absent when embeddings are tied.
std::vector<TensorSpec> tensor_specs(const ModelConfig& config);

/// The shape a spec has in each layout (GGUF: ssm_a [Hm,1], ssm_norm [G, d_inner/G]; HF: conv1d [conv_dim,1,K]).
Shape gguf_shape(const TensorSpec& spec, const ModelConfig& config);
Shape hf_shape(const TensorSpec& spec, const ModelConfig& config);

}  // namespace adder
