#include "run/state/mamba_state.h"

#include <cstring>

#include "core/base/check.h"

namespace adder {

MambaState::MambaState(const ModelConfig& config, DType state_type)
    : n_heads_(config.mamba_num_heads),
      head_dim_(config.mamba_head_dim),
      state_size_(config.ssm_state_size),
      n_groups_(config.n_groups),
      state_type_(state_type),
      pre_conv_{config.conv_dim(), config.conv_kernel - 1, {}},
      post_conv_{config.conv_dim(), 0, {}},
      dt_{config.mamba_num_heads, 0, {}},
      cs_{config.mamba_num_heads, 0, {}} {
  CHECK(state_type == DType::kF32 || state_type == DType::kF16 || state_type == DType::kBF16, "{}", name(state_type));
}

bool MambaState::reserve(int64_t used, bool fills_chunk) {
  if (fills_chunk && !ssm_.own(full_ssm_bytes(), ssm_.bytes())) return false;
  return pre_conv_.own(used) && post_conv_.own(used) && dt_.own(used) && cs_.own(used);
}

SsdChunk MambaState::chunk() {
  const int64_t stride = post_conv_.width;
  const int64_t d_inner = n_heads_ * head_dim_;
  return {.state = ssm_.writable<std::byte>(),
          .x = post_conv_.row(0),
          .x_stride = stride,
          .b = post_conv_.row(0) + d_inner,
          .b_stride = stride,
          .dt = dt_.row(0),
          .cs = cs_.row(0),
          .n_heads = n_heads_,
          .head_dim = head_dim_,
          .state_size = state_size_,
          .n_groups = n_groups_,
          .state_type = state_type_,
          .from_zero = !holds_state_};
}

void MambaState::finish_chunk() {
  holds_state_ = true;
  const int64_t lead = pre_conv_.lead;
  std::memmove(pre_conv_.row(-lead), pre_conv_.row(kChunk - lead), static_cast<size_t>(pre_conv_.bytes_up_to(0)));
}

void MambaState::clear() {
  ssm_ = {};
  holds_state_ = false;
  for (LogRows* rows : {&pre_conv_, &post_conv_, &dt_, &cs_}) rows->buffer = {};
}

MambaState MambaState::trimmed(int64_t used) const {
  MambaState copy = *this;
  for (LogRows* rows : {&copy.pre_conv_, &copy.post_conv_, &copy.dt_, &copy.cs_})
    rows->buffer = rows->buffer.trimmed(rows->bytes_up_to(used));
  return copy;
}

int64_t MambaState::log_bytes() const {
  return pre_conv_.buffer.bytes() - conv_bytes() + post_conv_.buffer.bytes() + dt_.buffer.bytes() + cs_.buffer.bytes();
}

int64_t MambaState::full_log_bytes() const {
  int64_t bytes = -full_conv_bytes();
  for (const LogRows* rows : {&pre_conv_, &post_conv_, &dt_, &cs_}) bytes += rows->bytes_up_to(kChunk);
  return bytes;
}

}  // namespace adder
