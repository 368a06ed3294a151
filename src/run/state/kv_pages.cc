#include "run/state/kv_pages.h"

#include <algorithm>

#include "core/base/check.h"

namespace adder {

KvPages::KvPages(int64_t n_kv_heads, int64_t head_dim, DType kv_type)
    : n_kv_heads_(n_kv_heads), head_dim_(head_dim), kv_type_(kv_type) {
  CHECK(kv_type == DType::kF32 || kv_type == DType::kF16 || kv_type == DType::kBF16, "{}", name(kv_type));
}

bool KvPages::reserve(int64_t position, int64_t n) {
  const int64_t last = pages_up_to(position + n);
  for (int64_t page = position / kKeyBlock; page < last; ++page) {
    if (page == n_pages()) {
      k_.emplace_back();
      v_.emplace_back();
    }
    for (Buffer* buffer : {&k_[static_cast<size_t>(page)], &v_[static_cast<size_t>(page)]})
      if (!buffer->own(page_bytes(), buffer->bytes())) return false;
  }
  return true;
}

void KvPages::cut(int64_t position) {
  const auto pages = static_cast<size_t>(std::min(n_pages(), pages_up_to(position)));
  k_.resize(pages);
  v_.resize(pages);
}

}  // namespace adder
