#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace adder {

/// What may come next, read off the text itself (prompt lookup): the longest run of tokens that ends the text and
/// occurred before names, by what followed it then, the likely next tokens.
///
/// Places with the same last two tokens are chained, newest first, as in LZ77. Adding a token is one look into a hash
/// table, and a proposal compares kPlaces places over kLongest tokens at most, so both are O(1) in the text's length.
class NgramIndex {
 public:
  static constexpr int64_t kShortest = 2;  ///< tokens that must agree
  static constexpr int64_t kLongest = 32;  ///< tokens that are compared
  static constexpr int64_t kPlaces = 16;   ///< newest places that are compared

  void push(int32_t token);
  void push(std::span<const int32_t> tokens) {
    for (const int32_t token : tokens) push(token);
  }

  /// The next tokens if the text goes on as it did at the best earlier place: the longest agreement, of equals the
  /// newest. A text that repeats itself up to its end is taken to repeat on.
  struct Proposal {
    int64_t match = 0;            ///< tokens that agree, kShortest to kLongest; 0: no place
    std::vector<int32_t> tokens;  ///< `n` tokens, none without a place
  };
  Proposal propose(int64_t n) const;

 private:
  int64_t agreement(int64_t end) const;

  std::vector<int32_t> tokens_;
  std::vector<int32_t> older_;  // for each end of a pair, the end of the same pair before it; -1: none
  std::unordered_map<uint64_t, int32_t> newest_;
};

}  // namespace adder
