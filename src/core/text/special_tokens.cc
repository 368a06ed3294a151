#include "core/text/special_tokens.h"

#include <algorithm>

namespace adder {

void SpecialTokens::add(std::string text, int32_t id) {
  if (!text.empty()) entries_.push_back({std::move(text), id});
}

void SpecialTokens::finish() {
  // std::string compares bytes as unsigned.
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.text < b.text; });
  first_with_byte_.fill(0);
  for (const Entry& entry : entries_) ++first_with_byte_[static_cast<uint8_t>(entry.text[0]) + size_t{1}];
  for (size_t byte = 0; byte < 256; ++byte) first_with_byte_[byte + 1] += first_with_byte_[byte];
}

std::optional<SpecialTokens::Match> SpecialTokens::find(std::string_view text, size_t from) const {
  if (entries_.empty()) return std::nullopt;
  for (size_t at = from; at < text.size(); ++at)
    if (const auto match = longest_at(text, at)) return match;
  return std::nullopt;
}

/// Narrows the range of entries that agree with the text, byte by byte. In a sorted range whose members share their
/// first `depth` bytes, one that has no more than these comes first.
std::optional<SpecialTokens::Match> SpecialTokens::longest_at(std::string_view text, size_t at) const {
  const auto first_byte = static_cast<uint8_t>(text[at]);
  auto low = entries_.begin() + static_cast<std::ptrdiff_t>(first_with_byte_[first_byte]);
  auto high = entries_.begin() + static_cast<std::ptrdiff_t>(first_with_byte_[first_byte + size_t{1}]);
  std::optional<Match> longest;
  for (size_t depth = 1; low != high; ++depth) {
    if (low->text.size() == depth) {
      longest = {at, depth, low->id};
      ++low;
    }
    if (low == high || at + depth == text.size()) break;
    const auto wanted = static_cast<uint8_t>(text[at + depth]);
    const auto byte_of = [&](const Entry& entry) { return static_cast<uint8_t>(entry.text[depth]); };
    low = std::partition_point(low, high, [&](const Entry& entry) { return byte_of(entry) < wanted; });
    high = std::partition_point(low, high, [&](const Entry& entry) { return byte_of(entry) == wanted; });
  }
  return longest;
}

}  // namespace adder
