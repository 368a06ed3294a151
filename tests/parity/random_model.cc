#include "tests/parity/random_model.h"

#include <cmath>

#include "core/base/rng.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

/// Value i of a tensor: mean and spread by role.
float value(const TensorSpec& spec, Rng& rng) {
  switch (spec.role) {
    case Role::kEmbedding:
      return rng.normal();
    case Role::kOutput:
      return 3.0f * rng.normal() / std::sqrt(static_cast<float>(spec.shape.row_length()));
    case Role::kConvWeight:
      return 0.5f * rng.normal();
    case Role::kConvBias:
      return 0.1f * rng.normal();
    case Role::kDtBias:
      return -5.0f + 4.0f * rng.uniform();  // steps of about 0.007 to 0.3
    case Role::kA:
      return -std::exp(2.0f * rng.uniform());  // with these steps, memories of 0.5 to 150 tokens
    case Role::kNorm:
    case Role::kOutputNorm:
    case Role::kSsmNorm:
    case Role::kD:
      return 1.0f + 0.1f * rng.normal();
    case Role::kSsmIn:
    case Role::kSsmOut:
    case Role::kQ:
    case Role::kK:
    case Role::kV:
    case Role::kO:
    case Role::kUp:
    case Role::kDown:
      return rng.normal() / std::sqrt(static_cast<float>(spec.shape.row_length()));
  }
  return 0;
}

Tensor random_tensor(const TensorSpec& spec, DType dtype, Rng& rng) {
  std::vector<float> values(static_cast<size_t>(spec.shape.elements()));
  for (float& x : values) x = value(spec, rng);
  CHECK(spec.shape.row_length() % info(dtype).block_size == 0, "{} as {}", spec.gguf_name, name(dtype));
  Tensor tensor(dtype, spec.shape);
  const Status encoded = encode(dtype, values, {}, tensor.data());
  CHECK(encoded.has_value());
  return tensor;
}

}  // namespace

ModelConfig config_of(const ModelSketch& s) {
  ModelConfig config;
  config.layers = parse_pattern(s.pattern, s.ffn, s.kv_heads).value();
  config.vocab_size = s.vocab;
  config.hidden_size = s.hidden;
  config.num_attention_heads = s.heads;
  config.head_dim = s.head_dim;
  config.mamba_num_heads = s.mamba_heads;
  config.mamba_head_dim = s.mamba_head_dim;
  config.ssm_state_size = s.state;
  config.n_groups = s.groups;
  config.conv_kernel = s.conv;
  config.tie_word_embeddings = s.tied;
  config.max_position_embeddings = 4096;
  const Status valid = validate(config);
  CHECK(valid.has_value(), "{}", valid.error().message());
  return config;
}

TypeRule all(DType dtype) {
  return [dtype](const TensorSpec&) { return dtype; };
}

TypeRule mix(DType wide) {
  return [wide](const TensorSpec& spec) {
    for (const DType dtype : {wide, DType::kQ5_0})
      if (spec.shape.row_length() % info(dtype).block_size == 0) return dtype;
    return DType::kF32;
  };
}

RandomModel::RandomModel(const ModelSketch& sketch, const TypeRule& types, uint64_t seed) {
  bound_.config = config_of(sketch);
  uint64_t stream = 0;
  for (const TensorSpec& spec : tensor_specs(bound_.config)) {
    Rng rng(seed, stream++);
    tensors_->push_back(random_tensor(spec, spec.is_matrix ? types(spec) : DType::kF32, rng));
    bound_.tensors.push_back({spec, tensors_->back().view(), false, spec.gguf_name});
  }
}

std::shared_ptr<const Model> RandomModel::model(const Ops* ops) const {
  ThreadPool pool(1);
  auto model = Model::from_bound(bound_, pool, ops);
  CHECK(model.has_value(), "{}", model.error().message());
  // The model looks at tensors that this object owns: keep them with it.
  return {model->get(), [owner = *model, tensors = tensors_](const Model*) {}};
}

std::byte* RandomModel::bytes(Role role, int layer) {
  for (size_t i = 0; i < bound_.tensors.size(); ++i)
    if (bound_.tensors[i].spec.role == role && bound_.tensors[i].spec.layer == layer) return (*tensors_)[i].data();
  CHECK(false, "no such tensor");
}

std::vector<TokenId> random_tokens(int64_t n, int64_t vocab, uint64_t seed) {
  Rng rng(seed);
  std::vector<TokenId> tokens;
  for (int64_t i = 0; i < n; ++i) tokens.push_back(static_cast<TokenId>(rng.below(static_cast<uint64_t>(vocab))));
  return tokens;
}

}  // namespace adder
