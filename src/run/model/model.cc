#include "run/model/model.h"

#include "core/base/check.h"

namespace adder {
namespace {

/// [conv_dim, K] -> [K, conv_dim], so that a tap is one run of channels.
std::vector<float> transposed(const std::vector<float>& x, int64_t rows, int64_t columns) {
  std::vector<float> y(x.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      y[static_cast<size_t>(c * rows + r)] = x[static_cast<size_t>(r * columns + c)];
  return y;
}

/// The tensors of one layer, or of none (-1).
class Tensors {
 public:
  Tensors(const BoundModel& bound, const Weights& weights, int layer)
      : bound_(bound), weights_(weights), layer_(layer) {}

  const BoundTensor& tensor(Role role) const {
    const BoundTensor* const found = bound_.find(role, layer_);
    CHECK(found, "bind left out {} of layer {}", name(role), layer_);
    return *found;
  }
  const Matrix& matrix(Role role) const { return weights_[static_cast<size_t>(&tensor(role) - bound_.tensors.data())]; }
  Result<std::vector<float>> vector(Role role) const { return to_f32(tensor(role)); }

 private:
  const BoundModel& bound_;
  const Weights& weights_;
  int layer_;
};

Result<MambaWeights> mamba_weights(const Tensors& from, const ModelConfig& config) {
  MambaWeights w;
  w.in_proj = from.matrix(Role::kSsmIn);
  w.out_proj = from.matrix(Role::kSsmOut);
  TRY_ASSIGN(const std::vector<float> conv_w, from.vector(Role::kConvWeight));
  w.conv_w = transposed(conv_w, config.conv_dim(), config.conv_kernel);
  TRY_ASSIGN(w.conv_b, from.vector(Role::kConvBias));
  TRY_ASSIGN(w.dt_bias, from.vector(Role::kDtBias));
  TRY_ASSIGN(w.a, from.vector(Role::kA));
  TRY_ASSIGN(w.d, from.vector(Role::kD));
  TRY_ASSIGN(w.norm, from.vector(Role::kSsmNorm));
  return w;
}

Result<LayerWeights> layer_weights(const Tensors& from, const ModelConfig& config, LayerKind kind) {
  LayerWeights w;
  w.kind = kind;
  TRY_ASSIGN(w.norm, from.vector(Role::kNorm));
  switch (kind) {
    case LayerKind::kMamba: {
      TRY_ASSIGN(w.mamba, mamba_weights(from, config));
      break;
    }
    case LayerKind::kAttention:
      w.attention = {.q = from.matrix(Role::kQ),
                     .k = from.matrix(Role::kK),
                     .v = from.matrix(Role::kV),
                     .o = from.matrix(Role::kO),
                     .k_scale = from.tensor(Role::kK).scales.cache.value_or(1),
                     .v_scale = from.tensor(Role::kV).scales.cache.value_or(1)};
      break;
    case LayerKind::kMlp:
      w.mlp = {.up = from.matrix(Role::kUp), .down = from.matrix(Role::kDown)};
      break;
  }
  return w;
}

}  // namespace

int64_t unpacked_bytes(const ModelConfig& config) {
  int64_t elements = 0;
  for (const TensorSpec& spec : tensor_specs(config))
    if (!spec.is_matrix) elements += spec.shape.elements();
  return elements * static_cast<int64_t>(sizeof(float));
}

Result<std::shared_ptr<const Model>> Model::load(const std::filesystem::path& path, ThreadPool& pool) {
  TRY_ASSIGN(ModelFile file, ModelFile::open(path));
  TRY_ASSIGN(BoundModel bound, bind(std::make_shared<const ModelFile>(std::move(file))));
  return from_bound(std::move(bound), pool);
}

Result<std::shared_ptr<const Model>> Model::from_bound(BoundModel bound, ThreadPool& pool, const Ops* ops) {
  if (!ops) {
    TRY_ASSIGN(ops, select_ops());
  }
  auto model = std::make_shared<Model>();
  model->bound_ = std::move(bound);
  model->ops_ = ops;
  TRY(model->load_weights(pool));
  return std::shared_ptr<const Model>(std::move(model));
}

const BoundTensor& Model::tensor(const Matrix& w) const {
  // A matrix is copied about, its data is not: where it lies tells them apart.
  for (size_t i = 0; i < bound_.tensors.size(); ++i)
    if (data_of(weights_[i]) == data_of(w)) return bound_.tensors[i];
  CHECK(false, "a matrix of another model");
}

Status Model::load_weights(ThreadPool& pool) {
  TRY_ASSIGN(weights_, Weights::load(bound_, pool));
  const Tensors ends(bound_, weights_, -1);
  output_ = ends.matrix(config().tie_word_embeddings ? Role::kEmbedding : Role::kOutput);
  TRY_ASSIGN(output_norm_, ends.vector(Role::kOutputNorm));
  for (int layer = 0; layer < config().n_layers(); ++layer) {
    const LayerKind kind = config().layers[static_cast<size_t>(layer)].kind;
    TRY_ASSIGN(LayerWeights weights, layer_weights(Tensors(bound_, weights_, layer), config(), kind));
    layers_.push_back(std::move(weights));
  }
  return {};
}

}  // namespace adder
