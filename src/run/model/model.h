#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/arch/bind.h"
#include "core/base/threads.h"
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

/// Bytes of the vectors that are unpacked to f32.
int64_t unpacked_bytes(const ModelConfig& config);

class Model {
 public:
  static Result<std::shared_ptr<const Model>> load(const std::filesystem::path& path);
  /// `ops` null: `select_ops()`. A NaN or Inf in a vector is an error that names the tensor.
  static Result<std::shared_ptr<const Model>> from_bound(BoundModel bound, const Ops* ops = nullptr);

  const ModelConfig& config() const { return bound_.config; }
  const BoundModel& bound() const { return bound_; }
  const Ops& ops() const { return *ops_; }
  TensorView embedding() const { return embedding_; }
  TensorView output() const { return output_; }  ///< the embedding when they are tied
  const std::vector<float>& output_norm() const { return output_norm_; }
  const std::vector<LayerWeights>& layers() const { return layers_; }

  /// Looks for NaN and Inf in the matrices (scales only, where there are scales) the first time it is called and
  /// remembers the answer. It reads the whole file, so the forward pass asks when it is about to do the same, and
  /// opening a model stays a matter of milliseconds. The embedding is left out: its rows are checked as they are used.
  Status check_finite(ThreadPool& pool) const;

 private:
  Status unpack();

  BoundModel bound_;
  const Ops* ops_ = nullptr;
  TensorView embedding_, output_;
  std::vector<float> output_norm_;
  std::vector<LayerWeights> layers_;
  mutable std::once_flag checked_;
  mutable std::optional<Error> not_finite_;
};

}  // namespace adder
