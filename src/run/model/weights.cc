#include "run/model/weights.h"

#include <algorithm>

#include "core/base/byte_size.h"
#include "core/base/system_memory.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

constexpr int64_t kPieceBytes = int64_t{16} << 20;  // of the file that are in memory beside their packed form

/// An embedding is read a row at a time, so it is looked at where it is used, unless it is the output as well.
bool is_used_whole(const BoundModel& model, const BoundTensor& tensor) {
  return tensor.spec.is_matrix && (tensor.spec.role != Role::kEmbedding || model.config.tie_word_embeddings);
}

bool is_packed(const BoundModel& model, const BoundTensor& tensor) {
  return is_used_whole(model, tensor) && packed_format(tensor.view.dtype);
}

PackedMatrix packed_shape(const TensorView& view) {
  return {view.dtype, view.shape.rows(), view.shape.row_length(), nullptr};
}

/// Of the matrices that are packed, and what of the file they are instead of: an embedding is also read by rows.
struct PackedBytes {
  int64_t packed = 0, stored = 0;
};

PackedBytes packed_bytes(const BoundModel& model) {
  PackedBytes bytes;
  for (const BoundTensor& tensor : model.tensors) {
    if (!is_packed(model, tensor)) continue;
    bytes.packed += packed_shape(tensor.view).bytes();
    if (tensor.spec.role != Role::kEmbedding) bytes.stored += static_cast<int64_t>(tensor.view.bytes());
  }
  return bytes;
}

/// Rows [begin, end): the first that holds NaN or Inf is the lowest of those that several threads find.
void find_non_finite_row(const TensorView& w, int64_t begin, int64_t end, std::atomic<int64_t>& first) {
  const int64_t width = w.shape.row_length();
  if (const auto at = find_non_finite(w.dtype, w.row(begin), (end - begin) * width)) {
    const int64_t row = begin + *at / width;
    for (int64_t seen = first; row < seen && !first.compare_exchange_weak(seen, row);) continue;
  }
}

/// Checks the matrix and, if `out` is its packed form, packs it.
Status take(const BoundModel& model, const BoundTensor& tensor, std::byte* out, ThreadPool& pool) {
  const TensorView& w = tensor.view;
  const int64_t n_rows = w.shape.rows();
  const int64_t piece = std::max(kPieceBytes / static_cast<int64_t>(w.row_bytes()) / kPackedRows, int64_t{1});
  std::atomic<int64_t> not_finite = n_rows;
  for (int64_t first = 0; first * kPackedRows < n_rows; first += piece) {
    const int64_t last = std::min(first + piece, (n_rows + kPackedRows - 1) / kPackedRows);
    pool.parallel_for(last - first, 1, [&](int64_t begin, int64_t end) {
      begin += first;
      end += first;
      find_non_finite_row(w, begin * kPackedRows, std::min(end * kPackedRows, n_rows), not_finite);
      if (out) pack_groups(w, out, begin, end);
    });
    const auto row = [&](int64_t r) { return w.row(std::min(r * kPackedRows, n_rows)); };
    if (out) model.give_up({row(first), row(last)});
  }
  if (not_finite < n_rows) return Error::corrupt("tensor {}: NaN or Inf in row {}", tensor.name, not_finite.load());
  return {};
}

}  // namespace

int64_t weight_bytes(const BoundModel& model) {
  const PackedBytes bytes = packed_bytes(model);
  return model.mapped_bytes() - bytes.stored + std::min(bytes.stored, kPieceBytes) + bytes.packed;
}

Result<Weights> Weights::load(const BoundModel& model, ThreadPool& pool) {
  Weights weights;
  const int64_t bytes = packed_bytes(model).packed;
  if (bytes > 0) weights.memory_ = system_memory(static_cast<size_t>(bytes));
  if (bytes > 0 && !weights.memory_) return Error::too_large("out of memory for {} of weights", byte_size_text(bytes));
  std::byte* next = weights.memory_.get();
  for (const BoundTensor& tensor : model.tensors) {
    weights.matrices_.emplace_back(StoredMatrix{tensor.view, tensor.scales.weight});
    if (is_packed(model, tensor)) {
      PackedMatrix packed = packed_shape(tensor.view);
      packed.data = next;
      TRY(take(model, tensor, next, pool));
      next += packed.bytes();
      weights.matrices_.back() = packed;
    } else if (is_used_whole(model, tensor)) {
      TRY(take(model, tensor, nullptr, pool));
    }
  }
  return weights;
}

}  // namespace adder
