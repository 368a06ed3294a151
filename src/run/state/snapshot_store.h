#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "run/state/sequence.h"

namespace adder {

/// Snapshots of one growing sequence: dense near its end, where texts are edited, sparse far back. Of three neighbours
/// a < b < c the middle one is dropped once c - a <= kSpacing (end - b), so going back from any position to the
/// snapshot before it replays at most about that share of what follows, and their number grows as the logarithm of the
/// length. When that is still too much for the budget, the one whose absence costs least by this measure goes next.
class SnapshotStore {
 public:
  using Snapshot = std::shared_ptr<const Sequence::Snapshot>;
  static constexpr double kSpacing = 0.25;

  /// `budget`: the most bytes kept. What several snapshots share counts once, and counts also while the sequence
  /// itself still shares it.
  explicit SnapshotStore(int64_t budget) : budget_(budget) {}

  /// Later than all that are there, or at the last one's position, which it replaces. It is not kept if it does not fit
  /// alone. kTooLarge, and nothing has changed, without memory to note it down.
  Status add(Snapshot snapshot);

  /// From where `position` is reached by the least replay: the latest snapshot at or before it, or one further on in
  /// whose chunk it lies, to be cut. Null if there is none.
  Snapshot nearest(int64_t position) const;

  /// Drops the snapshots after `position`.
  void cut(int64_t position);

  int64_t bytes() const { return bytes_; }
  int64_t budget() const { return budget_; }
  std::vector<int64_t> positions() const;  ///< ascending

 private:
  struct Held {
    int64_t holders = 0, bytes = 0;
  };
  double worth(size_t i) const;
  void hold(const Sequence::Snapshot& snapshot);
  void drop(size_t i);

  int64_t budget_;
  int64_t bytes_ = 0;
  std::vector<Snapshot> snapshots_;
  std::unordered_map<const void*, Held> buffers_;
};

}  // namespace adder
