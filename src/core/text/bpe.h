#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace adder {

/// The merges of a byte-pair encoding, by rank (0 merges first), and the encoding itself (Sennrich et al., 2016,
/// arXiv 1508.07909): as long as two neighbours can merge, merge the pair of lowest rank, the leftmost of equals.
class BpeMerges {
 public:
  explicit BpeMerges(size_t expected = 0);

  /// Ids are >= 0. False if the pair has a rank already.
  bool add(int32_t left, int32_t right, int32_t rank, int32_t merged);

  /// Reusable memory of `merge`; one per thread.
  class Workspace {
    friend class BpeMerges;
    struct Symbol {
      int32_t id;
      int32_t rank;    // of the pair that begins here; kNoPair if there is none or the symbol is gone
      int32_t merged;  // what that pair becomes
      size_t previous, next;
    };
    struct Candidate {
      int32_t rank;
      size_t at;
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  /// Merges the ids in `ids[begin, end of vector)` in place. n log n in their number.
  void merge(std::vector<int32_t>& ids, size_t begin, Workspace& workspace) const;

 private:
  struct Slot {
    int32_t left = -1, right = -1;
    int32_t rank = 0, merged = 0;
  };
  size_t probe(int32_t left, int32_t right) const;
  void rehash(size_t slots);
  void look_up_pair(Workspace& workspace, size_t at) const;

  std::vector<Slot> slots_;
  size_t used_ = 0;
};

}  // namespace adder
