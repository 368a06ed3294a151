#include "make/quantize/mix.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/base/check.h"

namespace adder {
namespace {

// clang-format off
constexpr std::array<MixInfo, 19> kMixes = {{
    {Mix::kF32,    "f32",    DType::kF32,     0},
    {Mix::kF16,    "f16",    DType::kF16,     1},
    {Mix::kBF16,   "bf16",   DType::kBF16,   32},
    {Mix::kQ8_0,   "q8_0",   DType::kQ8_0,    7},
    {Mix::kQ6_K,   "q6_k",   DType::kQ6_K,   18},
    {Mix::kQ5_K_M, "q5_k_m", DType::kQ5_K,   17},
    {Mix::kQ5_K_S, "q5_k_s", DType::kQ5_K,   16},
    {Mix::kQ5_1,   "q5_1",   DType::kQ5_1,    9},
    {Mix::kQ5_0,   "q5_0",   DType::kQ5_0,    8},
    {Mix::kQ4_K_M, "q4_k_m", DType::kQ4_K,   15},
    {Mix::kQ4_K_S, "q4_k_s", DType::kQ4_K,   14},
    {Mix::kQ4_1,   "q4_1",   DType::kQ4_1,    3},
    {Mix::kQ4_0,   "q4_0",   DType::kQ4_0,    2},
    {Mix::kIQ4_NL, "iq4_nl", DType::kIQ4_NL, 25},
    {Mix::kIQ4_XS, "iq4_xs", DType::kIQ4_XS, 30},
    {Mix::kQ3_K_L, "q3_k_l", DType::kQ3_K,   13},
    {Mix::kQ3_K_M, "q3_k_m", DType::kQ3_K,   12},
    {Mix::kQ3_K_S, "q3_k_s", DType::kQ3_K,   11},
    {Mix::kQ2_K,   "q2_k",   DType::kQ2_K,   10},
}};
// clang-format on

bool is_quantized(DType dtype) {
  return info(dtype).block_size > 1;
}

/// Layers that matter more than others: the first and last eighth, and every third between them.
bool use_more(int64_t i, int64_t n) {
  return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

DType fit_to_row(DType wanted, int64_t row_length) {
  const auto fits = [&](DType dtype) { return row_length % info(dtype).block_size == 0; };
  if (fits(wanted)) return wanted;
  DType smaller = wanted;
  if (wanted == DType::kQ4_K) smaller = DType::kQ5_0;
  if (wanted == DType::kQ5_K) smaller = DType::kQ5_1;
  if (wanted == DType::kQ6_K) smaller = DType::kQ8_0;
  if (wanted == DType::kQ2_K || wanted == DType::kQ3_K) smaller = DType::kQ4_0;
  if (wanted == DType::kIQ4_XS) smaller = DType::kIQ4_NL;
  return fits(smaller) ? smaller : DType::kF16;
}

/// The rules, fed with the tensors in file order.
class Chooser {
 public:
  Chooser(Mix mix, const ModelConfig& config, bool with_importance)
      : mix_(mix),
        with_importance_(with_importance),
        config_(config),
        n_layers_(config.n_layers()),
        n_v_(config.count(LayerKind::kAttention)) {}

  DType wanted(const TensorSpec& spec) {
    const DType plain = info(mix_).matrix_type;
    if (!spec.is_matrix) return DType::kF32;
    if (!is_quantized(plain)) return plain;
    if (spec.role == (config_.tie_word_embeddings ? Role::kEmbedding : Role::kOutput)) {
      const bool whole_blocks = spec.shape.row_length() % info(DType::kQ6_K).block_size == 0;
      return whole_blocks && plain != DType::kQ8_0 ? DType::kQ6_K : DType::kQ8_0;
    }
    const bool medium = mix_ == Mix::kQ4_K_M || mix_ == Mix::kQ5_K_M;
    if (spec.role == Role::kV) {
      const int64_t i = v_seen_++;
      if (mix_ == Mix::kQ2_K) return shares_kv_among_four() ? DType::kQ4_K : DType::kQ3_K;
      if (mix_ == Mix::kQ3_K_M) return i < 2 ? DType::kQ5_K : DType::kQ4_K;
      if (mix_ == Mix::kQ3_K_L) return DType::kQ5_K;
      if ((mix_ == Mix::kIQ4_NL || mix_ == Mix::kIQ4_XS) && shares_kv_among_four()) return DType::kQ5_K;
      if (medium && use_more(i, n_v_)) return DType::kQ6_K;
      if (mix_ == Mix::kQ4_K_S && i < 4) return DType::kQ5_K;
    }
    if (spec.role == Role::kDown) {
      const int64_t i = down_seen_++;
      if (mix_ == Mix::kQ2_K) return DType::kQ3_K;
      if (mix_ == Mix::kQ3_K_M) return i < n_layers_ / 16 ? DType::kQ5_K : DType::kQ4_K;
      if (mix_ == Mix::kQ3_K_L) return DType::kQ5_K;
      if (medium && use_more(i, n_layers_)) return DType::kQ6_K;
      if (mix_ == Mix::kQ4_K_S && i < n_layers_ / 8) return DType::kQ5_K;
      if (i < n_layers_ / 8) {
        if ((mix_ == Mix::kIQ4_NL || mix_ == Mix::kIQ4_XS) && !with_importance_) return DType::kQ5_K;
        if (mix_ == Mix::kQ4_0 && with_importance_) return DType::kQ4_1;
        if (mix_ == Mix::kQ5_0 && with_importance_) return DType::kQ5_1;
      }
    }
    if (spec.role == Role::kO) {
      if (mix_ == Mix::kQ2_K) return DType::kQ3_K;
      if (mix_ == Mix::kQ3_K_M) return DType::kQ4_K;
      if (mix_ == Mix::kQ3_K_L) return DType::kQ5_K;
    }
    return plain;
  }

 private:
  bool shares_kv_among_four() const {
    const int64_t kv_heads = config_.layers.front().num_key_value_heads;
    return kv_heads > 0 && config_.num_attention_heads / kv_heads >= 4;
  }

  Mix mix_;
  bool with_importance_;
  const ModelConfig& config_;
  int64_t n_layers_, n_v_;
  int64_t v_seen_ = 0, down_seen_ = 0;
};

}  // namespace

const MixInfo& info(Mix mix) {
  return kMixes[static_cast<size_t>(mix)];
}
std::span<const MixInfo> all_mixes() {
  return kMixes;
}

std::optional<Mix> mix_from_name(std::string_view name) {
  const auto same_letter = [](unsigned char a, unsigned char b) { return std::tolower(a) == b; };
  const auto found =
      std::ranges::find_if(kMixes, [&](const MixInfo& row) { return std::ranges::equal(name, row.name, same_letter); });
  return found == kMixes.end() ? std::nullopt : std::optional(found->mix);
}

std::vector<PlannedType> plan_types(Mix mix, const ModelConfig& config, bool with_importance) {
  Chooser chooser(mix, config, with_importance);
  std::vector<PlannedType> plan;
  for (const TensorSpec& spec : tensor_specs(config)) {
    const DType wanted = chooser.wanted(spec);
    plan.push_back({fit_to_row(wanted, spec.shape.row_length()), wanted});
  }
  return plan;
}

}  // namespace adder
