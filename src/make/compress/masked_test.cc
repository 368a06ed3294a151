// A child is what its parent computes under masks (arXiv 2511.16664), shown in the engine: a masked parent is a file
// too. With k of d channels left, RMSNorm over all d with eps' = eps k/d, times sqrt(k/d), is RMSNorm over the k; so a
// masked parent has zeros for weights, its norm weights times sqrt(k/d), and eps'.
#include <gmock/gmock.h>

#include "core/base/testing/temp_dir.h"
#include "make/compress/models_for_test.h"
#include "make/compress/slice.h"

namespace adder {
namespace {

using test::TensorValues;

/// Three quarters on both axes that have norms, so that one eps' serves both.
constexpr double kKept = 0.75;

ChildShape masked_shape() {
  return {48, {}, 6, 8, {64}, 4};
}

struct MaskMistakes {
  bool no_norm_factor = false;     ///< sqrt(k/d) left out
  bool heads_over_groups = false;  ///< the first heads of all instead of the first of each group
};

/// Which rows and columns of a tensor are left: all others are zero.
TensorValues masked(const ModelConfig& config, const TensorValues& values, MaskMistakes mistakes) {
  NestedOrder order = unchanged_order(config);
  if (mistakes.heads_over_groups)  // a prefix of this order in each of two groups is heads 0 to 5
    for (LayerOrder& layer : order.layers)
      if (!layer.mamba_heads.empty()) layer.mamba_heads = {0, 1, 2, 6, 3, 4, 5, 7};
  const Selector selector(config, masked_shape(), order);
  return [=](const TensorSpec& spec) {
    const Selection kept = selector.of(spec);
    std::vector<float> all = values(spec), left(all.size(), 0.0f);
    const auto width = static_cast<size_t>(spec.shape.row_length());
    const auto is_left = [](const std::vector<int64_t>& list, size_t i) {
      return list.empty() || std::ranges::count(list, static_cast<int64_t>(i)) > 0;
    };
    const bool is_norm = spec.role == Role::kNorm || spec.role == Role::kOutputNorm || spec.role == Role::kSsmNorm;
    const auto factor = static_cast<float>(is_norm && !mistakes.no_norm_factor ? std::sqrt(kKept) : 1);
    for (size_t i = 0; i < all.size(); ++i)
      if (spec.role == Role::kA || (is_left(kept.rows, i / width) && is_left(kept.cols, i % width)))
        left[i] = factor * all[i];
    return left;
  };
}

double masked_against_sliced(MaskMistakes mistakes) {
  const testing::TempDir dir;
  ModelConfig config = test::small_config();
  config.norm_eps = 0.01f;  // large enough that a wrong eps' would show
  const TensorValues values = test::random_values(4);
  test::write_model(dir / "parent.gguf", config, values);
  const BoundModel parent = test::open_bound(dir / "parent.gguf");
  const auto plan = plan_slice(parent, masked_shape(), unchanged_order(config), {}, Layout::kGguf, {}).value();
  EXPECT_TRUE(slice(parent, plan, dir / "child.gguf", "slice", {}));

  config.norm_eps = static_cast<float>(config.norm_eps * kKept);
  test::write_model(dir / "masked.gguf", config, masked(config, values, mistakes));
  const auto tokens = test::some_tokens(90);
  return test::largest_difference(test::logits_of(dir / "child.gguf", tokens),
                                  test::logits_of(dir / "masked.gguf", tokens));
}

TEST(Masked, IsSliced) {
  EXPECT_LE(masked_against_sliced({}), 1e-4);
}

TEST(Masked, IsNotSlicedWithoutTheFactorOfTheNorms) {
  EXPECT_GT(masked_against_sliced({.no_norm_factor = true}), 1e-2);
}

TEST(Masked, IsNotSlicedWithAPrefixOverAllGroups) {
  EXPECT_GT(masked_against_sliced({.heads_over_groups = true}), 1e-2);
}

}  // namespace
}  // namespace adder
