#include "make/train/nn/products.h"

#include <gtest/gtest.h>

#include "make/train/nn/tensors_for_test.h"

namespace adder {
namespace {

using test::distance;
using test::random;
using torch::Tensor;

TEST(Product, TakesPartsOfTensorsWhereTheyLie) {
  torch::manual_seed(21);
  // [2,3] matrices in the middle of larger tensors: rows in one piece, columns in one piece, neither.
  const Tensor rows = random({2, 5, 3, 7}).permute({0, 2, 1, 3}).narrow(3, 2, 4),
               columns = random({2, 3, 6, 5}).transpose(2, 3).narrow(3, 1, 4),
               neither = random({2, 3, 5, 8}).slice(3, 0, 8, 2), right = random({2, 1, 4, 6}).expand({2, 3, 4, 6});
  for (const Tensor& a : {rows, columns, neither}) {
    for (const Tensor& b : {right, right.transpose(2, 3).contiguous().transpose(2, 3)}) {
      const Tensor expected = at::matmul(a.contiguous(), b.contiguous());
      EXPECT_LT(distance(product(a, b), expected), 1e-13);
      EXPECT_LT(distance(product(a.to(torch::kFloat32), b.to(torch::kFloat32)), expected), 1e-5);
      Tensor whole = at::full({2, 5, 3, 9}, 7.0, torch::kFloat64);
      const Tensor out = whole.permute({0, 2, 1, 3}).narrow(3, 1, 6);
      product(out, a, b);
      EXPECT_LT(distance(out, expected), 1e-13);
      add_product(out, a, b);
      EXPECT_LT(distance(out, expected * 2), 1e-13);
      EXPECT_EQ(whole.select(3, 0).ne(7).sum().item<int64_t>(), 0) << "what lies beside is left alone";
      EXPECT_EQ(whole.narrow(3, 7, 2).ne(7).sum().item<int64_t>(), 0);
    }
  }
}

TEST(Product, BroadcastsOverLeadingSizes) {
  torch::manual_seed(22);
  const Tensor a = random({3, 1, 1, 5}), b = random({1, 4, 5, 1});
  const Tensor c = product(a, b);
  EXPECT_EQ(c.sizes(), (std::vector<int64_t>{3, 4, 1, 1}));
  EXPECT_LT(distance(c, at::matmul(a, b)), 1e-14);
}

}  // namespace
}  // namespace adder
