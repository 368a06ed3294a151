#include "make/train/nn/products.h"

#include <algorithm>
#include <vector>

extern "C" {
void sgemm_(const char* trans_a, const char* trans_b, const int* m, const int* n, const int* k, const float* alpha,
            const float* a, const int* lda, const float* b, const int* ldb, const float* beta, float* c,
            const int* ldc);
void dgemm_(const char* trans_a, const char* trans_b, const int* m, const int* n, const int* k, const double* alpha,
            const double* a, const int* lda, const double* b, const int* ldb, const double* beta, double* c,
            const int* ldc);
}

namespace adder {
namespace {

using torch::Tensor;

void gemm(char ta, char tb, int m, int n, int k, const float* a, int lda, const float* b, int ldb, float beta, float* c,
          int ldc) {
  const float alpha = 1;
  sgemm_(&ta, &tb, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
}
void gemm(char ta, char tb, int m, int n, int k, const double* a, int lda, const double* b, int ldb, double beta,
          double* c, int ldc) {
  const double alpha = 1;
  dgemm_(&ta, &tb, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
}

/// Matrices as the BLAS takes them: rows of `stride` elements, or columns (transposed).
struct Operand {
  Tensor tensor;  // expanded to the leading sizes of the result
  char transposed = 'N';
  int stride = 1;

  Operand(const Tensor& given, const std::vector<int64_t>& leading) : tensor(given) {
    const auto in_one_piece = [&](int64_t axis, int64_t other) {
      return (tensor.stride(axis) == 1 || tensor.size(axis) == 1) &&
             (tensor.stride(other) >= tensor.size(axis) || tensor.size(other) == 1);
    };
    if (!in_one_piece(-1, -2) && !in_one_piece(-2, -1)) tensor = tensor.contiguous();
    transposed = in_one_piece(-1, -2) ? 'N' : 'T';
    const int64_t inner = transposed == 'N' ? -1 : -2, outer = transposed == 'N' ? -2 : -1;
    stride = static_cast<int>(std::max({tensor.stride(outer), tensor.size(inner), int64_t{1}}));
    std::vector<int64_t> sizes = leading;
    sizes.push_back(tensor.size(-2));
    sizes.push_back(tensor.size(-1));
    tensor = tensor.expand(sizes);
  }
};

/// Calls visit(i, j, k) with where matrix after matrix begins in the three tensors.
template <class Visit>
void for_matrices(const Tensor& x, const Tensor& y, const Tensor& z, Visit&& visit) {
  const int64_t axes = x.dim() - 2;
  std::vector<int64_t> at(static_cast<size_t>(axes));
  int64_t count = 1, i = 0, j = 0, k = 0;
  for (int64_t axis = 0; axis < axes; ++axis) count *= x.size(axis);
  for (int64_t n = 0; n < count; ++n) {
    visit(i, j, k);
    for (int64_t axis = axes - 1; axis >= 0; --axis) {
      int64_t& position = at[static_cast<size_t>(axis)];
      const int64_t steps = ++position == x.size(axis) ? 1 - x.size(axis) : 1;
      i += steps * x.stride(axis), j += steps * y.stride(axis), k += steps * z.stride(axis);
      if (steps == 1) break;
      position = 0;
    }
  }
}

template <class Number>
void on_cpu(const Tensor& out, const Tensor& a, const Tensor& b, bool adds) {
  const std::vector<int64_t> leading(out.sizes().begin(), out.sizes().end() - 2);
  const Operand left(a, leading), right(b, leading);
  CHECK(out.size(-1) == 1 || out.stride(-1) == 1, "a product's rows are to be written in one piece");
  const auto m = static_cast<int>(out.size(-2)), n = static_cast<int>(out.size(-1)), k = static_cast<int>(a.size(-1));
  const auto out_stride = static_cast<int>(std::max<int64_t>(out.stride(-2), n));
  // The BLAS counts columns first: out^T = b^T a^T.
  for_matrices(out, left.tensor, right.tensor, [&](int64_t at, int64_t at_left, int64_t at_right) {
    gemm(right.transposed, left.transposed, n, m, k, right.tensor.data_ptr<Number>() + at_right, right.stride,
         left.tensor.data_ptr<Number>() + at_left, left.stride, Number(adds), out.data_ptr<Number>() + at, out_stride);
  });
}

void multiply(const Tensor& out, const Tensor& a, const Tensor& b, bool adds) {
  CHECK(a.size(-1) == b.size(-2) && out.size(-2) == a.size(-2) && out.size(-1) == b.size(-1) &&
            out.scalar_type() == a.scalar_type() && a.scalar_type() == b.scalar_type(),
        "a product of {} by {} columns", a.size(-1), b.size(-1));
  torch::NoGradGuard no_grad;
  if (out.is_cpu() && out.scalar_type() == torch::kFloat32) return on_cpu<float>(out, a, b, adds);
  if (out.is_cpu() && out.scalar_type() == torch::kFloat64) return on_cpu<double>(out, a, b, adds);
  const Tensor result = at::matmul(a, b);
  if (adds) {
    out.add_(result);
  } else {
    out.copy_(result);
  }
}

}  // namespace

void product(const Tensor& out, const Tensor& a, const Tensor& b) {
  multiply(out, a, b, false);
}
void add_product(const Tensor& out, const Tensor& a, const Tensor& b) {
  multiply(out, a, b, true);
}
Tensor product(const Tensor& a, const Tensor& b) {
  std::vector<int64_t> sizes = at::infer_size(a.sizes().slice(0, static_cast<size_t>(a.dim() - 2)),
                                              b.sizes().slice(0, static_cast<size_t>(b.dim() - 2)));
  sizes.push_back(a.size(-2));
  sizes.push_back(b.size(-1));
  Tensor out = at::empty(sizes, a.options().requires_grad(false));
  multiply(out, a, b, false);
  return out;
}

}  // namespace adder
