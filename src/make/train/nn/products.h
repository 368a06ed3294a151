#pragma once

#include "make/train/base/torch.h"

namespace adder {

/// out = a b, or out += a b, for every matrix of [..., M,K] and [..., K,N]; the leading sizes are out's, a's and b's
/// may be 1. Any strides will do: parts of larger tensors are read and written where they lie, and only a matrix that
/// has neither its rows nor its columns in one piece is copied first; out's rows must be in one piece. Without
/// gradients.
///
/// On a CPU this is one call of the BLAS for each matrix. libtorch without MKL does the same, through several tensors
/// made anew for each, which for the 64 x 64 matrices of a scan takes longer than the products.
void product(const torch::Tensor& out, const torch::Tensor& a, const torch::Tensor& b);
void add_product(const torch::Tensor& out, const torch::Tensor& a, const torch::Tensor& b);

/// a b as a tensor of its own.
torch::Tensor product(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace adder
