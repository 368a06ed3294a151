#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adder {

/// Token text to id: open addressing over strings that somebody else keeps.
class TokenTable {
 public:
  /// Where two tokens have the same text, the first is found; `duplicate` is the second's id, once built.
  explicit TokenTable(std::span<const std::string> tokens);

  /// `tokens` as at construction (possibly moved to another address).
  std::optional<int32_t> find(std::span<const std::string> tokens, std::string_view text) const;

  std::optional<int32_t> duplicate() const { return duplicate_; }

 private:
  struct Slot {
    uint32_t tag = 0;  // the hash's upper half: most strangers differ without a look at their text
    int32_t id = -1;
  };
  size_t probe(std::span<const std::string> tokens, std::string_view text, uint64_t hash) const;

  std::vector<Slot> slots_;
  std::optional<int32_t> duplicate_;
};

}  // namespace adder
