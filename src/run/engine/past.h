#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "run/model/forward.h"
#include "run/state/snapshot_store.h"

namespace adder {

/// The text an engine is at, and what the text before left behind: its sequence as it stands, and snapshots along the
/// way. A prompt that begins like that text is read from the first difference on; from a little before, where the
/// sequence can no longer be cut and the nearest snapshot lies further back.
class Past {
 public:
  /// `sequence` has seen nothing yet. `snapshot_bytes`: see SnapshotStore. 0: every text begins at the beginning.
  Past(Sequence sequence, int64_t snapshot_bytes);

  /// Begins `text`, which is not empty: the sequence has now seen its first position() tokens, at least one less than
  /// there are. kTooLarge without memory, then the text is still the one before.
  Status begin(std::span<const TokenId> text);
  /// The text has one more token, seen or not.
  void push(TokenId token) { text_.push_back(token); }

  std::span<const TokenId> text() const { return text_; }
  Sequence& sequence() { return sequence_; }
  int64_t position() const { return sequence_.position(); }

  /// Here is a good place to come back to. kTooLarge without memory.
  Status keep();

 private:
  Sequence sequence_;  // has seen the first position() tokens of text_
  std::vector<TokenId> text_;
  SnapshotStore snapshots_;
};

}  // namespace adder
