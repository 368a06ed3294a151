#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/base/hash.h"
#include "core/base/result.h"
#include "core/tensor/tensor.h"

namespace adder {

/// The tensors that a writer has announced, streamed to their file one after another in pieces of any size; each is
/// hashed on its way. A call out of order is the caller's mistake (CHECK).
class TensorStream {
 public:
  struct Announced {
    std::string name;
    TensorView view;        ///< no data: dtype, shape and sizes
    std::string hash = {};  ///< XXH3-128 of the stored bytes, once all are written
  };

  void announce(std::string name, DType dtype, const Shape& shape);

  /// Appends the next bytes of the tensor at work, which ends when all its bytes are there.
  Status write(AtomicFile& file, std::span<const std::byte> bytes);
  /// The same for all bytes of the next tensor.
  Status write_whole(AtomicFile& file, std::span<const std::byte> bytes);

  const std::vector<Announced>& tensors() const { return tensors_; }
  size_t n_written() const { return n_written_; }  ///< tensors that are whole
  bool is_between_tensors() const { return offset_ == 0; }
  bool is_done() const { return n_written_ == tensors_.size(); }

 private:
  std::vector<Announced> tensors_;
  size_t n_written_ = 0;
  size_t offset_ = 0;  ///< bytes there are of the tensor at work
  std::optional<Hash128> hash_;
};

}  // namespace adder
