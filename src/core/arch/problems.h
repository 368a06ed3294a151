#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// Collects everything that is wrong before refusing, so that a user repairs a file once and not ten times.
class Problems {
 public:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    list_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  /// The value, or the error noted and a zero in its place.
  template <class T>
  T take(Result<T> result) {
    if (result) return std::move(result).value();
    list_.push_back(result.error().message());
    return T{};
  }
  bool empty() const { return list_.empty(); }

  /// Success when empty; else one line: "WHAT: first; second; ...". A hostile file cannot make it endless.
  Status status(ErrorCode code, std::string_view what) const;

 private:
  std::vector<std::string> list_;
};

}  // namespace adder
