#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adder {

/// Finds tokens that are recognised in text before anything else: the leftmost, and of those that begin at the same
/// byte the longest. Time is linear in the text, times the longest token at worst.
class SpecialTokens {
 public:
  struct Match {
    size_t begin, bytes;
    int32_t id;
  };

  void add(std::string text, int32_t id);
  /// To be called after the last `add`.
  void finish();

  std::optional<Match> find(std::string_view text, size_t from) const;

 private:
  struct Entry {
    std::string text;
    int32_t id;
  };
  std::optional<Match> longest_at(std::string_view text, size_t at) const;

  std::vector<Entry> entries_;                 // sorted by text
  std::array<size_t, 257> first_with_byte_{};  // entries that begin with byte b: [b] to [b + 1]
};

}  // namespace adder
