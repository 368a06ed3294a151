#include "run/model/weights.h"

#include <algorithm>
#include <cstring>

#include "core/base/byte_size.h"
#include "core/base/memory.h"
#include "core/base/system_memory.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

constexpr int64_t kPieceBytes = int64_t{4} << 20;  // of the file that are in memory beside their new place

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

constexpr int64_t kCacheLine = 64;

/// Memory of a matrix that is packed, or copied from one cache line to another.
int64_t laid_out_bytes(const BoundModel& model, const BoundTensor& tensor) {
  if (is_packed(model, tensor)) return packed_shape(tensor.view).bytes();
  return (static_cast<int64_t>(tensor.view.bytes()) + kCacheLine - 1) / kCacheLine * kCacheLine;
}

/// Of the matrices that are laid out anew: those that are packed, and the others, but for those already put together in
/// memory of our own.
struct LaidOutBytes {
  int64_t packed = 0, copied = 0;
  int64_t stored = 0;  ///< what of the file they are instead of: an embedding is also read by rows
};

LaidOutBytes laid_out_bytes(const BoundModel& model) {
  LaidOutBytes bytes;
  for (const BoundTensor& tensor : model.tensors) {
    if (!is_used_whole(model, tensor)) continue;
    if (!is_packed(model, tensor) && tensor.is_joined) continue;
    (is_packed(model, tensor) ? bytes.packed : bytes.copied) += laid_out_bytes(model, tensor);
    if (tensor.spec.role != Role::kEmbedding) bytes.stored += static_cast<int64_t>(tensor.view.bytes());
  }
  return bytes;
}

/// Whether there is memory to copy matrices that stay as they are, with a quarter as much to spare for what comes
/// after.
bool has_room_to_copy(const LaidOutBytes& bytes) {
  return bytes.packed + bytes.copied + bytes.copied / 4 <= available_memory();
}

/// Rows [begin, end): the first that holds NaN or Inf is the lowest of those that several threads find.
void find_non_finite_row(const TensorView& w, int64_t begin, int64_t end, std::atomic<int64_t>& first) {
  const int64_t width = w.shape.row_length();
  if (const auto at = find_non_finite(w.dtype, w.row(begin), (end - begin) * width)) {
    const int64_t row = begin + *at / width;
    for (int64_t seen = first; row < seen && !first.compare_exchange_weak(seen, row);) continue;
  }
}

/// Checks the matrix and, if there is an `out`, lays it out there.
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
      if (out && packed_format(w.dtype)) pack_groups(w, out, begin, end);
      if (out && !packed_format(w.dtype)) {
        const std::byte* const rows = w.row(begin * kPackedRows);
        const std::byte* const rows_end = w.row(std::min(end * kPackedRows, n_rows));
        std::memcpy(out + (rows - w.data), rows, static_cast<size_t>(rows_end - rows));
      }
    });
    const auto row = [&](int64_t r) { return w.row(std::min(r * kPackedRows, n_rows)); };
    if (out) model.give_up(tensor, {row(first), row(last)});
  }
  if (not_finite < n_rows) return Error::corrupt("tensor {}: NaN or Inf in row {}", tensor.name, not_finite.load());
  return {};
}

}  // namespace

int64_t weight_bytes(const BoundModel& model) {
  const LaidOutBytes bytes = laid_out_bytes(model);
  return model.mapped_bytes() - bytes.stored + std::min(bytes.stored, kPieceBytes) + bytes.packed + bytes.copied;
}

Result<Weights> Weights::load(const BoundModel& model, ThreadPool& pool) {
  Weights weights;
  const LaidOutBytes laid_out = laid_out_bytes(model);
  bool copies = laid_out.copied > 0 && has_room_to_copy(laid_out);
  int64_t bytes = laid_out.packed + (copies ? laid_out.copied : 0);
  if (bytes > 0) weights.memory_ = system_memory(static_cast<size_t>(bytes));
  if (!weights.memory_ && copies) {  // the system refuses what it calls available
    copies = false;
    bytes = laid_out.packed;
    if (bytes > 0) weights.memory_ = system_memory(static_cast<size_t>(bytes));
  }
  if (bytes > 0 && !weights.memory_) return Error::too_large("out of memory for {} of weights", byte_size_text(bytes));
  std::byte* next = weights.memory_.get();
  for (const BoundTensor& tensor : model.tensors) {
    weights.matrices_.emplace_back(StoredMatrix{tensor.view, tensor.scales.weight});
    if (!is_used_whole(model, tensor)) continue;
    const bool packs = is_packed(model, tensor), moves = packs || (copies && !tensor.is_joined);
    TRY(take(model, tensor, moves ? next : nullptr, pool));
    if (packs) {
      PackedMatrix packed = packed_shape(tensor.view);
      packed.data = next;
      weights.matrices_.back() = packed;
    } else if (moves) {
      std::get<StoredMatrix>(weights.matrices_.back()).view.data = next;
    }
    if (moves) next += laid_out_bytes(model, tensor);
  }
  return weights;
}

}  // namespace adder
