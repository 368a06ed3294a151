#include "core/formats/tensor_stream.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace adder {

void TensorStream::announce(std::string name, DType dtype, const Shape& shape) {
  CHECK(!name.empty() && std::ranges::find(tensors_, name, &Announced::name) == tensors_.end(), "'{}'", name);
  tensors_.push_back({std::move(name), {dtype, shape, nullptr}});
}

Status TensorStream::write(AtomicFile& file, std::span<const std::byte> bytes) {
  CHECK(!is_done(), "tensor {} of {}", n_written_, tensors_.size());
  auto& [name, view, hash] = tensors_[n_written_];
  CHECK(bytes.size() <= view.bytes() - offset_, "'{}' has {} bytes, {} more than that given", name, view.bytes(),
        offset_ + bytes.size() - view.bytes());
  if (offset_ == 0) hash_.emplace();
  hash_->update(bytes);
  offset_ += bytes.size();
  TRY(file.write(bytes));
  if (offset_ < view.bytes()) return {};
  hash = hash_->hex();
  ++n_written_;
  offset_ = 0;
  return {};
}

Status TensorStream::write_whole(AtomicFile& file, std::span<const std::byte> bytes) {
  CHECK(!is_done() && is_between_tensors(), "tensor {} of {}", n_written_, tensors_.size());
  const auto& [name, view, hash] = tensors_[n_written_];
  CHECK(bytes.size() == view.bytes(), "'{}' has {} bytes, {} given", name, view.bytes(), bytes.size());
  return write(file, bytes);
}

}  // namespace adder
