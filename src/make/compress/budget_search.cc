#include "make/compress/budget_search.h"

#include <algorithm>
#include <optional>

#include "core/base/check.h"
#include "make/compress/nested.h"

namespace adder {
namespace {

constexpr double kNearEnough = 0.995;  ///< of the budget

/// Multiples of `step` below `whole`, then `whole` itself; only that where there is nothing of the kind.
std::vector<int64_t> grid(int64_t whole, int64_t step) {
  std::vector<int64_t> values;
  for (int64_t value = step; value < whole; value += step) values.push_back(value);
  values.push_back(whole);
  return values;
}

/// A shape on the grid, and how it is judged.
struct ShapeTried {
  ChildShape shape;
  int64_t parameters = 0;
  double evenness = 1;  ///< smallest kept fraction / largest
};

class WidthSearch {
 public:
  WidthSearch(const ModelConfig& parent, const ChildShape& base, int64_t align)
      : parent_(parent),
        base_(base),
        align_(align),
        kept_(kept_layers(parent, base)),
        ffn_(kept_ffn_widths(parent, base)) {}

  std::optional<ShapeTried> best(int64_t budget) {
    const int64_t widest = ffn_.empty() ? 0 : *std::ranges::max_element(ffn_);
    std::optional<ShapeTried> near, below;
    for (const int64_t hidden : grid(parent_.hidden_size, align_)) {
      for (const int64_t heads : grid(parent_.mamba_num_heads, std::max(int64_t{1}, parent_.n_groups))) {
        for (const int64_t ffn : grid(widest, align_)) {
          ShapeTried candidate = make(hidden, heads, ffn, widest);
          if (candidate.parameters > budget) break;  // a wider FFN is larger still
          const bool is_near = static_cast<double>(candidate.parameters) >= kNearEnough * static_cast<double>(budget);
          if (is_near && (!near || is_more_even(candidate, *near))) near = candidate;
          if (!below || candidate.parameters > below->parameters) below = std::move(candidate);
        }
      }
    }
    return near ? near : below;
  }

 private:
  static bool is_more_even(const ShapeTried& a, const ShapeTried& b) {
    return a.evenness > b.evenness || (a.evenness == b.evenness && a.parameters > b.parameters);
  }

  ShapeTried make(int64_t hidden, int64_t heads, int64_t ffn, int64_t widest) const {
    ShapeTried made{base_, 0, 1};
    made.shape.d_model = hidden;
    made.shape.mamba_heads = heads;
    if (!ffn_.empty()) made.shape.d_ff.clear();
    for (const int64_t width : ffn_)
      made.shape.d_ff.push_back(std::min(width, std::max(align_, width * ffn / widest / align_ * align_)));
    std::vector<double> fractions = {share(hidden, parent_.hidden_size)};
    if (parent_.mamba_num_heads > 0) fractions.push_back(share(heads, parent_.mamba_num_heads));
    if (widest > 0) fractions.push_back(share(ffn, widest));
    made.evenness = *std::ranges::min_element(fractions) / *std::ranges::max_element(fractions);
    made.parameters = count(made.shape);
    if (std::ranges::adjacent_find(made.shape.d_ff, std::ranges::not_equal_to{}) == made.shape.d_ff.end())
      made.shape.d_ff.resize(1);
    return made;
  }

  static double share(int64_t kept, int64_t of) { return static_cast<double>(kept) / static_cast<double>(of); }

  /// The child's config without the checks, thousands of times.
  int64_t count(const ChildShape& shape) const {
    ModelConfig config = parent_;
    config.layers.clear();
    size_t n_ffn = 0;
    for (const int i : kept_) {
      config.layers.push_back(parent_.layers[static_cast<size_t>(i)]);
      if (config.layers.back().kind == LayerKind::kMlp) config.layers.back().intermediate_size = shape.d_ff[n_ffn++];
    }
    config.hidden_size = shape.d_model;
    config.mamba_num_heads = shape.mamba_heads;
    config.mamba_head_dim = shape.mamba_head_dim;
    config.num_attention_heads = shape.attention_heads;
    return parameters_by_formula(config);
  }

  const ModelConfig& parent_;
  const ChildShape& base_;
  int64_t align_;
  std::vector<int> kept_;
  std::vector<int64_t> ffn_;
};

}  // namespace

int64_t parameters_by_formula(const ModelConfig& c) {
  const int64_t hidden = c.hidden_size, inner = c.d_inner(), shared = 2 * c.n_groups * c.ssm_state_size;
  int64_t total = (c.tie_word_embeddings ? 1 : 2) * c.vocab_size * hidden + hidden;
  for (const LayerConfig& layer : c.layers) {
    total += hidden;
    switch (layer.kind) {
      case LayerKind::kMamba:
        total += hidden * (2 * inner + shared + c.mamba_num_heads) + (inner + shared) * (c.conv_kernel + 1) +
                 3 * c.mamba_num_heads + inner + inner * hidden;
        break;
      case LayerKind::kAttention:
        total += hidden * (c.num_attention_heads + 2 * layer.num_key_value_heads) * c.head_dim + c.q_rows() * hidden;
        break;
      case LayerKind::kMlp:
        total += 2 * hidden * layer.intermediate_size;
        break;
    }
  }
  return total;
}

Result<ChildShape> widths_for_budget(const ModelConfig& parent, const ChildShape& base, int64_t parameters,
                                     int64_t align) {
  CHECK(align > 0, "{}", align);
  TRY_ASSIGN(const ModelConfig all, child_config(parent, base));
  if (parameters > parameters_by_formula(all))
    return Error::usage("a budget of {} parameters, but without any shrinking of widths it is {}", parameters,
                        parameters_by_formula(all));
  const auto found = WidthSearch(parent, base, align).best(parameters);
  if (!found)
    return Error::usage("a budget of {} parameters is below the smallest shape whose widths are multiples of {}",
                        parameters, align);
  return found->shape;
}

Result<ChildShape> depth_for_budget(const ModelConfig& parent, const std::vector<int>& drop_list, int64_t parameters) {
  const NestedRecord order{drop_list, {}, "", {}};
  for (int n = 0; n <= std::ssize(drop_list); ++n) {
    ChildShape child = without_layers(parent, order, n);
    auto config = child_config(parent, child);
    if (config && parameters_by_formula(*config) <= parameters) return child;
  }
  return Error::usage("a budget of {} parameters is not reached by dropping the {} layers that are ranked", parameters,
                      drop_list.size());
}

}  // namespace adder
