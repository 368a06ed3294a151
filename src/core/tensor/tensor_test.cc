#include "core/tensor/tensor.h"

#include <gtest/gtest.h>

namespace adder {
namespace {

TEST(Shape, RowsAreTheLastAxis) {
  const Shape shape = {4, 3, 64};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape.elements(), 768);
  EXPECT_EQ(shape.row_length(), 64);
  EXPECT_EQ(shape.rows(), 12);
  EXPECT_EQ(to_string(shape), "[4, 3, 64]");
}

TEST(Shape, AScalarIsOneRowOfOne) {
  const Shape scalar;
  EXPECT_EQ(scalar.elements(), 1);
  EXPECT_EQ(scalar.rows(), 1);
  EXPECT_EQ(to_string(scalar), "[]");
}

TEST(Shape, EmptyAxesHaveNoElements) {
  EXPECT_EQ((Shape{0, 5}).rows(), 0);
  EXPECT_EQ((Shape{5, 0}).rows(), 0);
  EXPECT_EQ((Shape{5, 0}).elements(), 0);
}

TEST(Shape, ComparesByRankAndExtents) {
  EXPECT_EQ((Shape{2, 3}), (Shape{2, 3}));
  EXPECT_NE((Shape{2, 3}), (Shape{3, 2}));
  EXPECT_NE((Shape{2}), (Shape{2, 1}));
}

TEST(Shape, RefusesFiveAxesAndNegativeExtents) {
  EXPECT_DEATH((Shape{1, 1, 1, 1, 1}), "rank 4");
  EXPECT_DEATH((Shape{-1}), "dim -1");
}

TEST(TensorView, FindsRowsOfBlocks) {
  const Tensor tensor(DType::kQ8_0, {5, 64});
  const TensorView view = tensor.view();
  EXPECT_EQ(view.row_bytes(), 68u);
  EXPECT_EQ(view.bytes(), 340u);
  EXPECT_EQ(view.row(3), view.data + 204);
  EXPECT_EQ(view.span().size(), 340u);
}

TEST(Tensor, StartsAtZeroAndOwnsItsBytes) {
  Tensor tensor(DType::kF32, {2, 3});
  EXPECT_EQ(tensor.f32().size(), 6u);
  for (const float v : tensor.f32()) EXPECT_EQ(v, 0.0f);
  tensor.f32()[5] = 2.5f;
  const Tensor copy = tensor;
  tensor.f32()[5] = 0.0f;
  EXPECT_EQ(reinterpret_cast<const float*>(copy.view().row(1))[2], 2.5f);
  EXPECT_DEATH(Tensor(DType::kF16, {4}).f32(), "kF32");
}

}  // namespace
}  // namespace adder
