#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "run/kernels/ops.h"
#include "run/model/weights.h"

namespace adder {

/// A bound file ready to run: matrices as in weights.h, small vectors unpacked to f32.
struct MambaWeights {
  Matrix in_proj, out_proj;
  std::vector<float> conv_w;  ///< [K, conv_dim]
  std::vector<float> conv_b, dt_bias, a, d, norm;
};
struct AttentionWeights {
  Matrix q, k, v, o;
  float k_scale = 1, v_scale = 1;  ///< what a code of 1 stands for where keys and values are kept in FP8
};
struct MlpWeights {
  Matrix up, down;
};

struct LayerWeights {
  LayerKind kind;
  std::vector<float> norm;
  MambaWeights mamba;
  AttentionWeights attention;
  MlpWeights mlp;
};

/// Bytes of the vectors that are unpacked to f32.
int64_t unpacked_bytes(const ModelConfig& config);

class Model {
 public:
  static Result<std::shared_ptr<const Model>> load(const std::filesystem::path& path, ThreadPool& pool);
  /// `ops` null: `select_ops()`. Reads the weights once, on the threads of `pool`. A NaN or Inf among them is an error
  /// that names the tensor (kCorrupt); rows of the embedding are checked as they are used.
  static Result<std::shared_ptr<const Model>> from_bound(BoundModel bound, ThreadPool& pool, const Ops* ops = nullptr);

  const ModelConfig& config() const { return bound_.config; }
  const BoundModel& bound() const { return bound_; }
  const Ops& ops() const { return *ops_; }
  const BoundTensor& embedding() const { return *bound_.find(Role::kEmbedding); }
  const Matrix& output() const { return output_; }  ///< the embedding when they are tied
  const std::vector<float>& output_norm() const { return output_norm_; }
  const std::vector<LayerWeights>& layers() const { return layers_; }
  /// What a matrix of this model was in the file.
  const BoundTensor& tensor(const Matrix& w) const;

 private:
  Status load_weights(ThreadPool& pool);

  BoundModel bound_;
  const Ops* ops_ = nullptr;
  Weights weights_;
  Matrix output_;
  std::vector<float> output_norm_;
  std::vector<LayerWeights> layers_;
};

}  // namespace adder
