#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor/dtype.h"
#include "run/kernels/ops.h"
#include "run/state/buffer.h"

namespace adder {

/// Keys and values of one attention layer of one sequence, in pages of kKeyBlock absolute positions: keys
/// [n_kv_heads, head_dim, kKeyBlock], values [n_kv_heads, kKeyBlock, head_dim]. Copies share pages until one side
/// writes.
class KvPages {
 public:
  KvPages(int64_t n_kv_heads, int64_t head_dim, DType kv_type);

  /// Room of its own for positions [position, position + n); pages before stay shared. False without memory: then
  /// `cut(position)` drops what was added.
  [[nodiscard]] bool reserve(int64_t position, int64_t n);
  /// Drops the pages that hold nothing before `position`.
  void cut(int64_t position);

  /// Where head `head` of a position is written, after `reserve`: head_dim elements, those of a key kKeyBlock apart.
  std::byte* key(int64_t position, int64_t head) {
    return slot(page(position).keys, head * head_dim_ * kKeyBlock + position % kKeyBlock);
  }
  std::byte* value(int64_t position, int64_t head) {
    return slot(page(position).values, (head * kKeyBlock + position % kKeyBlock) * head_dim_);
  }

  int64_t n_pages() const { return static_cast<int64_t>(pages_.size()); }
  const std::byte* key_page(int64_t i) const { return pages_[static_cast<size_t>(i)].keys.as<std::byte>(); }
  const std::byte* value_page(int64_t i) const { return pages_[static_cast<size_t>(i)].values.as<std::byte>(); }

  DType kv_type() const { return kv_type_; }
  int64_t bytes() const { return 2 * n_pages() * page_bytes(); }
  /// What `bytes` will be once so many positions are held.
  int64_t bytes_at(int64_t position) const { return 2 * pages_up_to(position) * page_bytes(); }

  template <class Visit>
  void for_each_buffer(const Visit& visit) const {
    for (const Page& page : pages_) {
      visit(page.keys);
      visit(page.values);
    }
  }

 private:
  struct Page {
    Buffer keys, values;
  };
  static int64_t pages_up_to(int64_t position) { return (position + kKeyBlock - 1) / kKeyBlock; }
  int64_t page_bytes() const {
    return static_cast<int64_t>(storage_bytes(kv_type_, n_kv_heads_ * kKeyBlock * head_dim_));
  }
  Page& page(int64_t position) { return pages_[static_cast<size_t>(position / kKeyBlock)]; }
  std::byte* slot(Buffer& elements, int64_t i) const {
    return elements.writable<std::byte>() + storage_bytes(kv_type_, i);
  }

  int64_t n_kv_heads_, head_dim_;
  DType kv_type_;
  std::vector<Page> pages_;
};

}  // namespace adder
