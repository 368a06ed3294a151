#pragma once

#include "make/train/base/torch.h"

#include <vector>

#include "core/arch/config.h"
#include "core/arch/roles.h"

namespace adder {

/// The tensors of a model in training, one for each of `tensor_specs(config)`, in its order and canonical shapes, f32.
/// Role::kA holds A_log (the scan uses a = -exp(A_log)).
class Parameters {
 public:
  /// Allocated, not initialised.
  Parameters(ModelConfig config, torch::TensorOptions options);

  /// Random start (Mamba-2, arXiv 2405.21060, and GPT-2 for depth): matrices N(0, std), those that write into the
  /// residual stream divided by sqrt(layers); A_log = log(1..Hm); D = 1; dt_bias the inverse softplus of dt
  /// log-uniform in [0.001, 0.1]; convolution uniform in +-1/sqrt(K); norms 1. A function of (seed, std) alone.
  void initialise(uint64_t seed, double std);

  /// Leaves that share this storage and gather gradients of their own.
  Parameters lane() const;

  const ModelConfig& config() const { return config_; }
  const std::vector<TensorSpec>& specs() const { return specs_; }
  std::vector<torch::Tensor>& values() { return values_; }
  const std::vector<torch::Tensor>& values() const { return values_; }
  const torch::Tensor& get(Role role, int layer = -1) const;

 private:
  ModelConfig config_;
  std::vector<TensorSpec> specs_;
  std::vector<torch::Tensor> values_;
};

}  // namespace adder
