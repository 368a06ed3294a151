#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/arch/config.h"

namespace adder {

/// The axes a model is shrunk on, by width; depth is the sixth. Their names are those of child.json.
enum class Axis : uint8_t { kHidden, kFfn, kMambaHeads, kMambaChannels, kAttentionHeads };
inline constexpr int kAxes = 5;
std::string_view name(Axis axis);  ///< "d_model", "d_ff", "mamba_heads", "mamba_head_dim", "attention_heads"

/// What a child keeps of its parent. Vocabulary, groups G, state size N, convolution taps, KV heads and the size of an
/// attention head are the parent's. In a parent in nested order (make/compress/nested.h) it keeps the first of
/// everything:
///     channels of the residual stream    the first d_model
///     neurons of an FFN layer            the first d_ff
///     Mamba heads                        the first mamba_heads / G of every group, which move together
///     channels of a Mamba head           the first mamba_head_dim, the same in every head
///     attention heads                    the first attention_heads / n_kv of those that share a KV head
struct ChildShape {
  int64_t d_model = 0;
  std::vector<int> dropped_layers;  ///< the parent's numbers, from 0, ascending
  int64_t mamba_heads = 0;          ///< of every Mamba layer: neither config.json nor GGUF can say one number for each
  int64_t mamba_head_dim = 0;
  std::vector<int64_t> d_ff;  ///< of every FFN layer that stays, in order; a single number is that of all
  int64_t attention_heads = 0;

  bool operator==(const ChildShape&) const = default;
};

/// The child that keeps everything.
ChildShape whole(const ModelConfig& parent);

/// The layers that stay, in order.
std::vector<int> kept_layers(const ModelConfig& parent, const ChildShape& child);

/// The widths that the parent's FFN layers have, of those that stay, in order.
std::vector<int64_t> kept_ffn_widths(const ModelConfig& parent, const ChildShape& child);

/// The child's config. All that does not fit the parent is listed (kUsage): a width below 1 or above the parent's,
/// heads that do not fall equally to the groups, d_ff for another number of layers, layers that are not there, twice
/// there or all there are, a width of layers that the parent does not have.
Result<ModelConfig> child_config(const ModelConfig& parent, const ChildShape& child);

/// child.json, an object; every field may be missing, which keeps what the parent has:
///     {"d_model": 3136, "drop_layers": [5, 6], "mamba_heads": 96, "mamba_head_dim": 80, "d_ff": 12544 or [...],
///      "attention_heads": 40}
/// mamba_heads may be a list, one number for each Mamba layer that stays, all equal: others are kUnsupported, for no
/// file format has a place for them. A field of another name is an error, so that a misspelt one does not go unread.
nlohmann::ordered_json to_json(const ChildShape& child);
Result<ChildShape> child_from_json(const nlohmann::json& object, const ModelConfig& parent);
Result<ChildShape> read_child(const std::filesystem::path& path, const ModelConfig& parent);

/// A child that has a name in its parent's record or file.
struct NestedSize {
  std::string name;
  ChildShape child;
  bool operator==(const NestedSize&) const = default;
};

/// Whether `larger` keeps everything that `smaller` keeps, of a parent in nested order.
bool contains(const ModelConfig& parent, const ChildShape& larger, const ChildShape& smaller);

}  // namespace adder
