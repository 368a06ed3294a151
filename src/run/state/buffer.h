#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace adder {

/// Shared memory with copy on write, 64-byte aligned. A copy shares the bytes; whoever wants to write calls `own`
/// first, which is the only call that allocates. Empty when default-made. Holders may live on different threads;
/// one Buffer object may not.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer& other) noexcept : block_(other.block_) { retain(); }
  Buffer(Buffer&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Buffer() { release(); }

  int64_t bytes() const { return block_ ? block_->bytes : 0; }
  /// The same for all that share the bytes; null when empty.
  const void* identity() const { return block_; }

  /// Makes this the only holder of `bytes` bytes whose first `keep` are the present ones (keep <= both sizes); the
  /// rest is unspecified if the memory was held already, zero if it is new. False, and no change, without memory.
  [[nodiscard]] bool own(int64_t bytes, int64_t keep);

  /// The first `bytes` bytes as a buffer of just that size; without memory for it, a share of the whole.
  Buffer trimmed(int64_t bytes) const;

  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(block_ ? block_->data() : nullptr);
  }
  /// Only after `own`.
  template <class T>
  T* writable() {
    return reinterpret_cast<T*>(block_ ? block_->data() : nullptr);
  }

 private:
  struct alignas(64) Block {
    std::atomic<int64_t> holders{1};
    int64_t bytes = 0;
    void* memory = nullptr;  // what calloc returned
    std::byte* data() { return reinterpret_cast<std::byte*>(this) + sizeof(Block); }
  };

  static Block* allocate(int64_t bytes) noexcept;
  void retain() noexcept {
    if (block_) block_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept;

  Block* block_ = nullptr;
};

}  // namespace adder
