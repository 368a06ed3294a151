#include "make/train/nn/parameters.h"

#include <cmath>
#include <functional>

#include "core/base/rng.h"

namespace adder {
namespace {

void fill(torch::Tensor& target, const std::function<double()>& draw) {
  torch::Tensor host = torch::empty(target.sizes(), torch::kFloat64);
  double* out = host.data_ptr<double>();
  for (int64_t i = 0; i < host.numel(); ++i) out[i] = draw();
  target.copy_(host);
}

double inverse_softplus(double y) {
  return y + std::log(-std::expm1(-y));
}

}  // namespace

Parameters::Parameters(ModelConfig config, torch::TensorOptions options)
    : config_(std::move(config)), specs_(tensor_specs(config_)) {
  for (const TensorSpec& spec : specs_) {
    const std::vector<int64_t> shape(spec.shape.dims().begin(), spec.shape.dims().end());
    values_.push_back(torch::empty(shape, options));
  }
}

void Parameters::initialise(uint64_t seed, double std) {
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < specs_.size(); ++i) {
    Rng rng(seed, i);
    torch::Tensor& value = values_[i];
    const auto normal = [&](double scale) { fill(value, [&] { return scale * rng.normal(); }); };
    switch (specs_[i].role) {
      case Role::kEmbedding:
      case Role::kOutput:
      case Role::kSsmIn:
      case Role::kQ:
      case Role::kK:
      case Role::kV:
      case Role::kUp:
        normal(std);
        break;
      case Role::kSsmOut:
      case Role::kO:
      case Role::kDown:
        normal(std / std::sqrt(static_cast<double>(config_.n_layers())));
        break;
      case Role::kConvWeight:
      case Role::kConvBias: {
        const double bound = 1 / std::sqrt(static_cast<double>(config_.conv_kernel));
        fill(value, [&] { return bound * (2 * rng.uniform_double() - 1); });
        break;
      }
      case Role::kDtBias: {
        const double low = std::log(1e-3), high = std::log(1e-1);
        fill(value, [&] { return inverse_softplus(std::exp(low + (high - low) * rng.uniform_double())); });
        break;
      }
      case Role::kA: {
        int head = 0;
        fill(value, [&] { return std::log(++head); });
        break;
      }
      case Role::kOutputNorm:
      case Role::kNorm:
      case Role::kD:
      case Role::kSsmNorm:
        value.fill_(1);
        break;
    }
  }
}

Parameters Parameters::lane() const {
  Parameters copy = *this;
  for (torch::Tensor& value : copy.values_) value = value.detach().requires_grad_(true);
  return copy;
}

const torch::Tensor& Parameters::get(Role role, int layer) const {
  for (size_t i = 0; i < specs_.size(); ++i) {
    if (specs_[i].role == role && specs_[i].layer == layer) return values_[i];
  }
  CHECK(false, "no parameter {} in layer {}", name(role), layer);
}

}  // namespace adder
