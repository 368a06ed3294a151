#include "run/model/model.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/quant/codec.h"

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

const BoundTensor& tensor(const BoundModel& bound, Role role, int layer) {
  const BoundTensor* const found = bound.find(role, layer);
  CHECK(found, "bind left out {} of layer {}", name(role), layer);
  return *found;
}

Result<MambaWeights> mamba_weights(const BoundModel& bound, int layer) {
  const ModelConfig& config = bound.config;
  MambaWeights w;
  w.in_proj = tensor(bound, Role::kSsmIn, layer).view;
  w.out_proj = tensor(bound, Role::kSsmOut, layer).view;
  TRY_ASSIGN(const std::vector<float> conv_w, to_f32(tensor(bound, Role::kConvWeight, layer)));
  w.conv_w = transposed(conv_w, config.conv_dim(), config.conv_kernel);
  TRY_ASSIGN(w.conv_b, to_f32(tensor(bound, Role::kConvBias, layer)));
  TRY_ASSIGN(w.dt_bias, to_f32(tensor(bound, Role::kDtBias, layer)));
  TRY_ASSIGN(w.a, to_f32(tensor(bound, Role::kA, layer)));
  TRY_ASSIGN(w.d, to_f32(tensor(bound, Role::kD, layer)));
  TRY_ASSIGN(w.norm, to_f32(tensor(bound, Role::kSsmNorm, layer)));
  return w;
}

AttentionWeights attention_weights(const BoundModel& bound, int layer) {
  return {.q = tensor(bound, Role::kQ, layer).view,
          .k = tensor(bound, Role::kK, layer).view,
          .v = tensor(bound, Role::kV, layer).view,
          .o = tensor(bound, Role::kO, layer).view};
}

MlpWeights mlp_weights(const BoundModel& bound, int layer) {
  return {.up = tensor(bound, Role::kUp, layer).view, .down = tensor(bound, Role::kDown, layer).view};
}

Result<LayerWeights> layer_weights(const BoundModel& bound, int layer) {
  LayerWeights w;
  w.kind = bound.config.layers[static_cast<size_t>(layer)].kind;
  TRY_ASSIGN(w.norm, to_f32(tensor(bound, Role::kNorm, layer)));
  switch (w.kind) {
    case LayerKind::kMamba: {
      TRY_ASSIGN(w.mamba, mamba_weights(bound, layer));
      break;
    }
    case LayerKind::kAttention:
      w.attention = attention_weights(bound, layer);
      break;
    case LayerKind::kMlp:
      w.mlp = mlp_weights(bound, layer);
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

Result<std::shared_ptr<const Model>> Model::load(const std::filesystem::path& path) {
  TRY_ASSIGN(ModelFile file, ModelFile::open(path));
  TRY_ASSIGN(BoundModel bound, bind(std::make_shared<const ModelFile>(std::move(file))));
  return from_bound(std::move(bound));
}

Result<std::shared_ptr<const Model>> Model::from_bound(BoundModel bound, const Ops* ops) {
  if (!ops) {
    TRY_ASSIGN(ops, select_ops());
  }
  auto model = std::make_shared<Model>();
  model->bound_ = std::move(bound);
  model->ops_ = ops;
  TRY(model->unpack());
  return std::shared_ptr<const Model>(std::move(model));
}

Status Model::unpack() {
  embedding_ = tensor(bound_, Role::kEmbedding, -1).view;
  output_ = config().tie_word_embeddings ? embedding_ : tensor(bound_, Role::kOutput, -1).view;
  TRY_ASSIGN(output_norm_, to_f32(tensor(bound_, Role::kOutputNorm, -1)));
  for (int layer = 0; layer < config().n_layers(); ++layer) {
    TRY_ASSIGN(LayerWeights weights, layer_weights(bound_, layer));
    layers_.push_back(std::move(weights));
  }
  return {};
}

Status Model::check_finite(ThreadPool& pool) const {
  std::call_once(checked_, [&] {
    for (const BoundTensor& bound : bound_.tensors) {
      if (!bound.spec.is_matrix || (bound.spec.role == Role::kEmbedding && !config().tie_word_embeddings)) continue;
      std::atomic<int64_t> first = bound.view.shape.rows();
      pool.parallel_for(bound.view.shape.rows(), 64, [&](int64_t begin, int64_t end) {
        const int64_t width = bound.view.shape.row_length();
        if (const auto at = find_non_finite(bound.view.dtype, bound.view.row(begin), (end - begin) * width)) {
          const int64_t row = begin + *at / width;
          for (int64_t seen = first; row < seen && !first.compare_exchange_weak(seen, row);) continue;
        }
      });
      if (first < bound.view.shape.rows()) {
        not_finite_ = Error::corrupt("tensor {}: NaN or Inf in row {}", bound.name, first.load());
        return;
      }
    }
  });
  if (not_finite_) return *not_finite_;
  return {};
}

}  // namespace adder
