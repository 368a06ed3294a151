#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "core/arch/bind.h"
#include "run/kernels/ops.h"

namespace adder {

/// A bound file ready to run: matrices stay where they are (mapped), small vectors are unpacked to f32 once.
struct MambaWeights {
  TensorView in_proj, out_proj;
  std::vector<float> conv_w;  ///< [K, conv_dim]
  std::vector<float> conv_b, dt_bias, a, d, norm;
};
struct AttentionWeights {
  TensorView q, k, v, o;
};
struct MlpWeights {
  TensorView up, down;
};

struct LayerWeights {
  LayerKind kind;
  std::vector<float> norm;
  MambaWeights mamba;
  AttentionWeights attention;
  MlpWeights mlp;
};

class Model {
 public:
  static Result<std::shared_ptr<const Model>> load(const std::filesystem::path& path);
  static Result<std::shared_ptr<const Model>> from_bound(BoundModel bound, const Ops* ops);

  const ModelConfig& config() const { return bound_.config; }
  const BoundModel& bound() const { return bound_; }
  const Ops& ops() const { return *ops_; }
  TensorView embedding() const { return embedding_; }
  TensorView output() const { return output_; }
  const std::vector<float>& output_norm() const { return output_norm_; }
  const std::vector<LayerWeights>& layers() const { return layers_; }

 private:
  BoundModel bound_;
  const Ops* ops_ = nullptr;
  TensorView embedding_, output_;
  std::vector<float> output_norm_;
  std::vector<LayerWeights> layers_;
};

}  // namespace adder
