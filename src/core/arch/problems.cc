#include "core/arch/problems.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <span>

namespace adder {
namespace {

constexpr size_t kMaxListed = 1000;

}  // namespace

Status Problems::status(ErrorCode code, std::string_view what) const {
  if (list_.empty()) return {};
  const size_t listed = std::min(list_.size(), kMaxListed);
  const std::span head(list_.data(), listed);
  std::string message = fmt::format("{}: {}", what, fmt::join(head, "; "));
  if (list_.size() > listed) message += fmt::format("; and {} more", list_.size() - listed);
  return Error(code, std::move(message));
}

}  // namespace adder
