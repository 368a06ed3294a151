#include "run/state/buffer.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "core/base/check.h"

namespace adder {

/// calloc rather than aligned_alloc: fresh pages come zeroed from the kernel and cost nothing until touched.
Buffer::Block* Buffer::allocate(int64_t bytes) noexcept {
  size_t room = static_cast<size_t>(bytes) + sizeof(Block) + alignof(Block);
  void* const memory = std::calloc(1, room);
  if (!memory) return nullptr;
  void* place = memory;
  std::align(alignof(Block), static_cast<size_t>(bytes) + sizeof(Block), place, room);
  Block* const block = new (place) Block;
  block->bytes = bytes;
  block->memory = memory;
  return block;
}

void Buffer::release() noexcept {
  if (block_ && block_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    void* const memory = block_->memory;
    block_->~Block();
    std::free(memory);
  }
  block_ = nullptr;
}

bool Buffer::own(int64_t bytes, int64_t keep) {
  CHECK(0 <= keep && keep <= bytes && keep <= this->bytes(), "keep {} of {} bytes, new {}", keep, this->bytes(), bytes);
  if (block_ && block_->bytes == bytes && block_->holders.load(std::memory_order_acquire) == 1) return true;
  Block* const fresh = allocate(bytes);
  if (!fresh) return false;
  if (keep > 0) std::memcpy(fresh->data(), block_->data(), static_cast<size_t>(keep));
  release();
  block_ = fresh;
  return true;
}

Buffer Buffer::trimmed(int64_t bytes) const {
  Buffer copy = *this;
  if (bytes < copy.bytes()) static_cast<void>(copy.own(bytes, bytes));
  return copy;
}

}  // namespace adder
