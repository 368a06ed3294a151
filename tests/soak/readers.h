#pragma once

#include <memory>
#include <vector>

#include "core/base/rng.h"
#include "run/engine/engine.h"

namespace adder {

/// Sequences that read random texts together, are forked, cut, saved and restored at random, and must go on as if they
/// had read what they hold alone and in one piece.
class Readers {
 public:
  explicit Readers(Engine& engine) : engine_(engine) {}

  /// One batch, one comparison, one incident. kCorrupt on a mismatch.
  Status round(Rng& rng);

 private:
  struct Reader {
    Sequence sequence;
    std::vector<TokenId> text;
  };
  struct Saved {
    std::shared_ptr<const Sequence::Snapshot> snapshot;
    std::vector<TokenId> text;
  };

  Status begin();
  Status advance(Rng& rng);
  Status incident(Rng& rng);

  Engine& engine_;
  std::vector<Reader> readers_;
  std::vector<Saved> saved_;
};

}  // namespace adder
