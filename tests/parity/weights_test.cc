#include <gtest/gtest.h>

#include "run/model/weights.h"
#include "tests/parity/random_model.h"

namespace adder {
namespace {

/// Of the tensor of a role.
const Matrix& matrix(const BoundModel& model, const Weights& weights, Role role, int layer = -1) {
  return weights[static_cast<size_t>(model.find(role, layer) - model.tensors.data())];
}

TEST(Weights, OnlyIntegersAreLaidOutAnew) {
  ThreadPool pool(2);
  const auto by_role = [](const TensorSpec& spec) { return spec.role == Role::kUp ? DType::kBF16 : DType::kQ8_0; };
  for (const bool tied : {false, true}) {
    const RandomModel random({.pattern = "M-*", .hidden = 64, .ffn = 96, .mamba_heads = 8, .tied = tied}, by_role);
    const BoundModel& model = random.bound();
    const Weights weights = Weights::load(model, pool).value();
    EXPECT_TRUE(std::holds_alternative<PackedMatrix>(matrix(model, weights, Role::kSsmIn, 0)));
    EXPECT_TRUE(std::holds_alternative<PackedMatrix>(matrix(model, weights, Role::kO, 2)));
    EXPECT_TRUE(std::holds_alternative<StoredMatrix>(matrix(model, weights, Role::kUp, 1)));
    // An embedding is looked up by rows where it lies; as the output it is a matrix like others.
    EXPECT_EQ(std::holds_alternative<PackedMatrix>(matrix(model, weights, Role::kEmbedding)), tied);
    for (const BoundTensor& tensor : model.tensors) {
      if (!tensor.spec.is_matrix) continue;
      EXPECT_EQ(n_rows(matrix(model, weights, tensor.spec.role, tensor.spec.layer)), tensor.view.shape.rows());
    }
  }
}

TEST(Weights, ThreadsAndPiecesDoNotShow) {
  constexpr int64_t kRows = 700, kCols = 32768;  // 24 MB in blocks of 34 bytes: two pieces, the second short
  std::vector<std::byte> blocks(static_cast<size_t>(kRows * kCols / 32 * 34));
  for (size_t i = 0; i < blocks.size(); ++i)
    if (i % 34 >= 2) blocks[i] = static_cast<std::byte>(i * i >> 5);  // scales stay 0
  BoundModel model;
  model.tensors.push_back({.spec = {}, .view = {DType::kQ8_0, {kRows, kCols}, blocks.data()}});
  model.tensors.front().spec.role = Role::kUp;
  model.tensors.front().spec.is_matrix = true;
  std::vector<std::byte> direct(static_cast<size_t>(kRows + 4) * kCols / 32 * 34);
  pack_groups(model.tensors.front().view, direct.data(), 0, 44);
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    const Weights weights = Weights::load(model, pool).value();
    const auto& packed = std::get<PackedMatrix>(weights[0]);
    ASSERT_EQ(packed.bytes(), static_cast<int64_t>(direct.size()));
    EXPECT_TRUE(std::equal(direct.begin(), direct.end(), packed.data)) << threads;
  }
}

}  // namespace
}  // namespace adder
