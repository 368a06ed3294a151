#include "tests/parity/oracle.h"

#include <cmath>

#include "core/quant/codec.h"

namespace adder {
namespace {

using Vec = std::vector<double>;

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}
double silu(double x) {
  return x * sigmoid(x);
}

struct Matrix {
  size_t rows, columns;
  Vec values;

  Vec operator*(const Vec& x) const {
    Vec y(rows, 0.0);
    for (size_t r = 0; r < rows; ++r)
      for (size_t c = 0; c < columns; ++c) y[r] += values[r * columns + c] * x[c];
    return y;
  }
};

class Oracle {
 public:
  explicit Oracle(const BoundModel& model) : model_(model), config_(model.config) {
    for (int layer = 0; layer < config_.n_layers(); ++layer) layers_.push_back(load(layer));
    embedding_ = matrix(Role::kEmbedding, -1);
    head_ = config_.tie_word_embeddings ? embedding_ : matrix(Role::kOutput, -1);
    final_norm_ = vector(Role::kOutputNorm, -1);
  }

  Vec step(TokenId token) {
    const size_t width = embedding_.columns;
    Vec h(width);
    for (size_t i = 0; i < width; ++i) h[i] = embedding_.values[static_cast<size_t>(token) * width + i];
    for (Layer& layer : layers_) {
      const Vec u = normalised(h, layer.norm);
      const Vec out = layer.kind == LayerKind::kMamba       ? mamba(layer, u)
                      : layer.kind == LayerKind::kAttention ? attention(layer, u)
                                                            : mlp(layer, u);
      for (size_t i = 0; i < width; ++i) h[i] += out[i];
    }
    return head_ * normalised(h, final_norm_);
  }

 private:
  struct Layer {
    LayerKind kind;
    Vec norm;
    Matrix w_in, w_out, conv, q, k, v, o, up, down;
    Vec conv_bias, dt_bias, a, d, gated_norm;
    Vec state;              // [head, p, n]
    std::vector<Vec> past;  // pre-convolution rows, latest last
    std::vector<Vec> keys, values;
    size_t kv_heads;
  };

  const BoundTensor& find(Role role, int layer) const {
    for (const BoundTensor& tensor : model_.tensors)
      if (tensor.spec.role == role && tensor.spec.layer == layer) return tensor;
    CHECK(false, "missing {}", name(role));
  }
  Vec vector(Role role, int layer) const {
    const BoundTensor& tensor = find(role, layer);
    std::vector<float> values(static_cast<size_t>(tensor.view.shape.elements()));
    decode(tensor.view.dtype, tensor.view.data, values);
    if (tensor.is_a_log)
      for (float& value : values) value = -std::exp(value);
    return Vec(values.begin(), values.end());
  }
  Matrix matrix(Role role, int layer) const {
    const Shape& shape = find(role, layer).spec.shape;
    return {static_cast<size_t>(shape[0]), static_cast<size_t>(shape[1]), vector(role, layer)};
  }

  Layer load(int index) const {
    Layer layer{};
    layer.kind = config_.layers[static_cast<size_t>(index)].kind;
    layer.norm = vector(Role::kNorm, index);
    switch (layer.kind) {
      case LayerKind::kMamba:
        layer.w_in = matrix(Role::kSsmIn, index);
        layer.w_out = matrix(Role::kSsmOut, index);
        layer.conv = matrix(Role::kConvWeight, index);
        layer.conv_bias = vector(Role::kConvBias, index);
        layer.dt_bias = vector(Role::kDtBias, index);
        layer.a = vector(Role::kA, index);
        layer.d = vector(Role::kD, index);
        layer.gated_norm = vector(Role::kSsmNorm, index);
        layer.state.assign(layer.gated_norm.size() * static_cast<size_t>(config_.ssm_state_size), 0.0);
        break;
      case LayerKind::kAttention:
        layer.q = matrix(Role::kQ, index);
        layer.k = matrix(Role::kK, index);
        layer.v = matrix(Role::kV, index);
        layer.o = matrix(Role::kO, index);
        layer.kv_heads = static_cast<size_t>(config_.layers[static_cast<size_t>(index)].num_key_value_heads);
        break;
      case LayerKind::kMlp:
        layer.up = matrix(Role::kUp, index);
        layer.down = matrix(Role::kDown, index);
        break;
    }
    return layer;
  }

  Vec normalised(const Vec& x, const Vec& w) const {
    double squares = 0;
    for (const double value : x) squares += value * value;
    const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) + config_.norm_eps);
    Vec y(x.size());
    for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] * scale * w[i];
    return y;
  }

  Vec mamba(Layer& layer, const Vec& u) const {
    const auto heads = static_cast<size_t>(config_.mamba_num_heads), P = static_cast<size_t>(config_.mamba_head_dim),
               N = static_cast<size_t>(config_.ssm_state_size), G = static_cast<size_t>(config_.n_groups),
               K = static_cast<size_t>(config_.conv_kernel);
    const size_t inner = heads * P, conv_dim = inner + 2 * G * N;
    const Vec p = layer.w_in * u;
    layer.past.emplace_back(p.begin() + static_cast<std::ptrdiff_t>(inner),
                            p.begin() + static_cast<std::ptrdiff_t>(inner + conv_dim));
    Vec xbc(conv_dim);
    for (size_t c = 0; c < conv_dim; ++c) {
      double sum = layer.conv_bias[c];
      for (size_t back = 0; back < K && back < layer.past.size(); ++back)
        sum += layer.conv.values[c * K + (K - 1 - back)] * layer.past[layer.past.size() - 1 - back][c];
      xbc[c] = silu(sum);
    }
    const double* const x = xbc.data();
    const double* const B = x + inner;
    const double* const C = B + G * N;

    Vec y(inner);
    for (size_t h = 0; h < heads; ++h) {
      const size_t g = h / (heads / G);
      const double dt = std::log1p(std::exp(p[inner + conv_dim + h] + layer.dt_bias[h]));
      const double decay = std::exp(dt * layer.a[h]);
      for (size_t i = 0; i < P; ++i) {
        double out = layer.d[h] * x[h * P + i];
        for (size_t n = 0; n < N; ++n) {
          double& s = layer.state[(h * P + i) * N + n];
          s = decay * s + dt * x[h * P + i] * B[g * N + n];
          out += s * C[g * N + n];
        }
        y[h * P + i] = out;
      }
    }

    const size_t group = inner / G;
    for (size_t i = 0; i < inner; ++i) y[i] *= silu(p[i]);
    for (size_t g = 0; g < G; ++g) {
      double squares = 0;
      for (size_t i = g * group; i < (g + 1) * group; ++i) squares += y[i] * y[i];
      const double scale = 1 / std::sqrt(squares / static_cast<double>(group) + config_.norm_eps);
      for (size_t i = g * group; i < (g + 1) * group; ++i) y[i] *= scale * layer.gated_norm[i];
    }
    return layer.w_out * y;
  }

  Vec attention(Layer& layer, const Vec& u) const {
    const auto heads = static_cast<size_t>(config_.num_attention_heads), D = static_cast<size_t>(config_.head_dim);
    const Vec q = layer.q * u;
    layer.keys.push_back(layer.k * u);
    layer.values.push_back(layer.v * u);
    Vec out(heads * D, 0.0);
    for (size_t h = 0; h < heads; ++h) {
      const size_t from = h / (heads / layer.kv_heads) * D;
      Vec p;
      double total = 0;
      for (const Vec& key : layer.keys) {
        double score = 0;
        for (size_t i = 0; i < D; ++i) score += q[h * D + i] * key[from + i];
        p.push_back(std::exp(score / std::sqrt(static_cast<double>(D))));
        total += p.back();
      }
      for (size_t t = 0; t < p.size(); ++t)
        for (size_t i = 0; i < D; ++i) out[h * D + i] += p[t] / total * layer.values[t][from + i];
    }
    return layer.o * out;
  }

  Vec mlp(const Layer& layer, const Vec& u) const {
    Vec inner = layer.up * u;
    for (double& x : inner) x = x > 0 ? x * x : 0;
    return layer.down * inner;
  }

  const BoundModel& model_;
  const ModelConfig& config_;
  std::vector<Layer> layers_;
  Matrix embedding_, head_;
  Vec final_norm_;
};

}  // namespace

std::vector<double> oracle_logits(const BoundModel& model, std::span<const TokenId> tokens) {
  Oracle oracle(model);
  std::vector<double> logits;
  for (const TokenId token : tokens) {
    const Vec row = oracle.step(token);
    logits.insert(logits.end(), row.begin(), row.end());
  }
  return logits;
}

}  // namespace adder
