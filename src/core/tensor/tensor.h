#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/tensor/dtype.h"

namespace adder {

/// Extents, slowest first (row-major): a weight matrix is [out, in] everywhere in adder, whatever the file says.
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    for (const int64_t dim : dims) push_back(dim);
  }

  void push_back(int64_t dim) {
    CHECK(rank_ < kMaxRank && dim >= 0, "rank {} dim {}", rank_, dim);
    dims_[static_cast<size_t>(rank_++)] = dim;
  }
  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  std::span<const int64_t> dims() const { return {dims_.data(), static_cast<size_t>(rank_)}; }

  int64_t elements() const {
    int64_t n = 1;
    for (const int64_t dim : dims()) n *= dim;
    return n;
  }
  /// Length of the contiguous axis, and how many of them: blocks never cross a row.
  int64_t row_length() const { return rank_ == 0 ? 1 : dims_[static_cast<size_t>(rank_ - 1)]; }
  int64_t rows() const { return row_length() == 0 ? 0 : elements() / row_length(); }

  bool operator==(const Shape&) const = default;

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

/// "[3136, 7680]"
std::string to_string(const Shape& shape);

/// A tensor somewhere in memory or in a mapped file: never owns, never null unless default-made.
struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  const std::byte* data = nullptr;

  size_t row_bytes() const { return storage_bytes(dtype, shape.row_length()); }
  size_t bytes() const { return static_cast<size_t>(shape.rows()) * row_bytes(); }
  const std::byte* row(int64_t r) const { return data + static_cast<size_t>(r) * row_bytes(); }
  std::span<const std::byte> span() const { return {data, bytes()}; }
};

/// A view and the name it has in its file.
struct NamedTensor {
  std::string name;
  TensorView view;
};

/// An owning tensor: raw bytes plus the view onto them.
class Tensor {
 public:
  Tensor() = default;
  Tensor(DType dtype, Shape shape) : shape_(shape), dtype_(dtype), bytes_(TensorView{dtype, shape, nullptr}.bytes()) {}

  TensorView view() const { return {dtype_, shape_, bytes_.data()}; }
  std::byte* data() { return bytes_.data(); }
  std::span<float> f32() {
    CHECK(dtype_ == DType::kF32);
    return {reinterpret_cast<float*>(bytes_.data()), static_cast<size_t>(shape_.elements())};
  }
  const Shape& shape() const { return shape_; }

 private:
  Shape shape_;
  DType dtype_ = DType::kF32;
  std::vector<std::byte> bytes_;
};

}  // namespace adder
