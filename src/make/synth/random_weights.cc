#include "make/synth/random_weights.h"

#include <algorithm>
#include <cmath>

#include "core/base/rng.h"

namespace adder {
namespace {

/// One stream of random numbers for every row of every tensor.
Rng stream_of(uint64_t seed, const TensorSpec& spec, int64_t row) {
  const auto layer = static_cast<uint64_t>(spec.layer + 1);
  return Rng(seed, layer << 48 | static_cast<uint64_t>(spec.role) << 40 | static_cast<uint64_t>(row));
}

/// The sum of four bytes, less its mean: variance 4 (256^2 - 1) / 12.
float sum_of_bytes(uint32_t word) {
  const uint32_t pairs = (word & 0x00ff00ffu) + ((word >> 8) & 0x00ff00ffu);
  return static_cast<float>(static_cast<int32_t>((pairs & 0xffffu) + (pairs >> 16)) - 510);
}
constexpr float kSumDeviation = 147.8005f, kLargestSum = 510;

void fill_normal(const Rng& rng, float deviation, std::span<float> out) {
  const float scale = deviation / kSumDeviation;
  const size_t whole = out.size() / 4;
  for (size_t i = 0; i < whole; ++i) {
    const auto words = rng.block(i);
    for (size_t k = 0; k < 4; ++k) out[4 * i + k] = sum_of_bytes(words[k]) * scale;
  }
  if (whole * 4 == out.size()) return;
  const auto words = rng.block(whole);
  for (size_t k = whole * 4; k < out.size(); ++k) out[k] = sum_of_bytes(words[k % 4]) * scale;
}

void fill_uniform(Rng rng, float low, float high, std::span<float> out) {
  std::ranges::generate(out, [&] { return low + (high - low) * rng.uniform(); });
}

/// softplus(bias) is log-uniform between the limits that training starts from.
void fill_dt_bias(Rng rng, std::span<float> out) {
  constexpr double kMin = 1e-3, kMax = 0.1;
  std::ranges::generate(out, [&] {
    const double dt = kMin * std::pow(kMax / kMin, rng.uniform_double());
    return static_cast<float>(dt + std::log(-std::expm1(-dt)));
  });
}

}  // namespace

void RandomWeights::fill_row(const TensorSpec& spec, int64_t row, std::span<float> out) const {
  const Rng rng = stream_of(seed_, spec, row);
  switch (spec.role) {
    case Role::kNorm:
    case Role::kOutputNorm:
    case Role::kSsmNorm:
      return fill_uniform(rng, 0.8f, 1.2f, out);
    case Role::kD:
      return fill_uniform(rng, 0.5f, 1.5f, out);
    case Role::kDtBias:
      return fill_dt_bias(rng, out);
    case Role::kA:
      for (size_t head = 0; head < out.size(); ++head) out[head] = -static_cast<float>(head + 1);
      return;
    case Role::kEmbedding:
    case Role::kOutput:
    case Role::kSsmIn:
    case Role::kConvWeight:
    case Role::kConvBias:
    case Role::kSsmOut:
    case Role::kQ:
    case Role::kK:
    case Role::kV:
    case Role::kO:
    case Role::kUp:
    case Role::kDown:
      return fill_normal(rng, deviation(spec), out);
  }
}

float RandomWeights::largest(const TensorSpec& spec) const {
  return kLargestSum * (deviation(spec) / kSumDeviation);
}

float RandomWeights::deviation(const TensorSpec& spec) const {
  constexpr double kLogits = 2.0, kQueryKey = 1.4;
  constexpr double kReluSquared = 1.2247;  // sqrt(E relu(x)^4), x ~ N(0, 1)
  const double fan_in = 1.0 / std::sqrt(static_cast<double>(spec.shape.row_length()));
  const double per_layer = 1.0 / std::sqrt(static_cast<double>(config_.n_layers()));
  const auto pick = [&]() -> double {
    switch (spec.role) {
      case Role::kEmbedding:
        return config_.tie_word_embeddings ? kLogits * fan_in : 1.0;
      case Role::kOutput:
        return kLogits * fan_in;
      case Role::kQ:
      case Role::kK:
        return kQueryKey * fan_in;
      case Role::kSsmOut:
      case Role::kO:
        return per_layer * fan_in;
      case Role::kDown:
        return per_layer * fan_in / kReluSquared;
      case Role::kConvBias:
        return 0.1;
      default:
        return fan_in;
    }
  };
  return static_cast<float>(pick());
}

}  // namespace adder
