#include "run/state/sequence.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/exceptions.h"

namespace adder {

Sequence::Shape Sequence::shape_of(const ModelConfig& config, DType kv_type, DType state_type) {
  Shape shape{.mamba_layers = config.count(LayerKind::kMamba),
              .mamba_num_heads = config.mamba_num_heads,
              .mamba_head_dim = config.mamba_head_dim,
              .ssm_state_size = config.ssm_state_size,
              .n_groups = config.n_groups,
              .conv_kernel = config.conv_kernel,
              .head_dim = config.head_dim,
              .kv_heads = {},
              .kv_type = kv_type,
              .state_type = state_type};
  for (const LayerConfig& layer : config.layers)
    if (layer.kind == LayerKind::kAttention) shape.kv_heads.push_back(layer.num_key_value_heads);
  return shape;
}

Sequence::Sequence(const ModelConfig& config, DType kv_type, DType state_type)
    : shape_(std::make_shared<const Shape>(shape_of(config, kv_type, state_type))) {
  state_.mamba.assign(static_cast<size_t>(shape_->mamba_layers), MambaState(config, state_type));
  for (const int64_t n_kv_heads : shape_->kv_heads) state_.kv.emplace_back(n_kv_heads, config.head_dim, kv_type);
}

bool Sequence::fits(const ModelConfig& config) const {
  return *shape_ == shape_of(config, shape_->kv_type, shape_->state_type);
}

Status Sequence::reserve(int64_t n) {
  const int64_t used = position() - cut_floor();
  if (std::ranges::all_of(state_.mamba, [&](MambaState& mamba) { return mamba.reserve(used, used + n >= kChunk); }) &&
      std::ranges::all_of(state_.kv, [&](KvPages& kv) { return kv.reserve(position(), n); }))
    return {};
  for (KvPages& kv : state_.kv) kv.cut(position());
  return Error::too_large("out of memory for the state of a sequence: {} bytes held at position {}, {} tokens to come",
                          bytes().total(), position(), n);
}

Status Sequence::cut(int64_t position) {
  if (position < 0 || position > this->position())
    return Error::usage("cannot cut a sequence of {} tokens at {}", this->position(), position);
  if (position < cut_floor() && position != 0)
    return Error::unsupported("cannot cut a sequence of {} tokens at {}: the earliest place is {}", this->position(),
                              position, cut_floor());
  if (position < cut_floor()) {  // to 0 from a later chunk: the states must be zero again
    for (MambaState& mamba : state_.mamba) mamba.clear();
  }
  for (KvPages& kv : state_.kv) kv.cut(position);
  state_.position = position;
  return {};
}

Result<Sequence> Sequence::fork() const {
  return exceptions_to_errors("a fork of a sequence", [&]() -> Result<Sequence> { return Sequence(shape_, state_); });
}

Result<std::shared_ptr<const Sequence::Snapshot>> Sequence::snapshot() const {
  return exceptions_to_errors("a snapshot of a sequence", [&]() -> Result<std::shared_ptr<const Snapshot>> {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->shape_ = shape_;
    snapshot->state_ = state_;
    for (MambaState& mamba : snapshot->state_.mamba) mamba = mamba.trimmed(position() - cut_floor());
    return snapshot;
  });
}

Status Sequence::restore(const std::shared_ptr<const Snapshot>& snapshot) {
  CHECK(*snapshot->shape_ == *shape_, "a snapshot of another model or other types");
  return exceptions_to_errors("going back to a snapshot", [&]() -> Status {
    State state = snapshot->state_;
    state_ = std::move(state);
    return {};
  });
}

Sequence::Bytes Sequence::bytes_at(int64_t position) const {
  Bytes bytes;
  if (position == 0) return bytes;
  for (const MambaState& layer : state_.mamba) {
    bytes.conv += layer.full_conv_bytes();
    if (position >= kChunk) bytes.ssm += layer.full_ssm_bytes();
    bytes.log += layer.full_log_bytes();
  }
  for (const KvPages& layer : state_.kv) bytes.kv += layer.bytes_at(position);
  return bytes;
}

Sequence::Bytes Sequence::State::bytes() const {
  Bytes bytes;
  for (const MambaState& layer : mamba) {
    bytes.conv += layer.conv_bytes();
    bytes.ssm += layer.ssm_bytes();
    bytes.log += layer.log_bytes();
  }
  for (const KvPages& layer : kv) bytes.kv += layer.bytes();
  return bytes;
}

}  // namespace adder
