#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/result.h"

namespace adder::jinja {

/// What one rendering may cost, so that a template which loops or multiplies ends in an error. The units are such that
/// they bound time and memory at once: about 32 for a step, and 2 for a byte of memory.
class Budget {
 public:
  explicit Budget(int64_t work) : left_(work), all_(work) {}

  Status spend_steps(size_t n) { return spend(n, 32); }    ///< nodes of the tree, values looked at
  Status spend_values(size_t n) { return spend(n, 128); }  ///< made
  Status spend_bytes(size_t n) { return spend(n, 4); }     ///< of text, made or searched

 private:
  Status spend(size_t n, size_t each) {
    if (n > static_cast<size_t>(left_) / each)
      return Error::too_large("more than {} units of work: a loop or text without end?", all_);
    left_ -= static_cast<int64_t>(n * each);
    return {};
  }

  int64_t left_, all_;
};

}  // namespace adder::jinja
