#include "run/state/kv_pages.h"

#include <algorithm>
#include <new>

#include "core/base/check.h"

namespace adder {

KvPages::KvPages(int64_t n_kv_heads, int64_t head_dim, DType kv_type)
    : n_kv_heads_(n_kv_heads), head_dim_(head_dim), kv_type_(kv_type) {
  CHECK(kv_type == DType::kF32 || kv_type == DType::kF16 || kv_type == DType::kBF16 || kv_type == DType::kF8E4M3, "{}",
        name(kv_type));
}

bool KvPages::reserve(int64_t position, int64_t n) {
  const int64_t last = pages_up_to(position + n);
  try {
    pages_.resize(static_cast<size_t>(std::max(n_pages(), last)));
  } catch (const std::bad_alloc&) {
    return false;
  }
  for (int64_t i = position / kKeyBlock; i < last; ++i) {
    Page& page = pages_[static_cast<size_t>(i)];
    for (Buffer* rows : {&page.keys, &page.values})
      if (!rows->own(page_bytes(), rows->bytes())) return false;
  }
  return true;
}

void KvPages::cut(int64_t position) {
  pages_.resize(static_cast<size_t>(std::min(n_pages(), pages_up_to(position))));
}

}  // namespace adder
