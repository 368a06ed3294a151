#include "run/engine/past.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/exceptions.h"

namespace adder {

Past::Past(Sequence sequence, int64_t snapshot_bytes) : sequence_(std::move(sequence)), snapshots_(snapshot_bytes) {}

Status Past::begin(std::span<const TokenId> text) {
  CHECK(!text.empty());
  const auto seen = std::span(text_).first(static_cast<size_t>(position()));
  const auto most = std::min(seen.size(), text.size() - 1);
  const auto differ = std::mismatch(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(most), text.begin());
  const int64_t same = snapshots_.budget() > 0 ? differ.first - seen.begin() : 0;

  if (same < sequence_.cut_floor())
    if (const SnapshotStore::Snapshot snapshot = snapshots_.nearest(same)) TRY(sequence_.restore(snapshot));
  const int64_t reachable = same < sequence_.cut_floor() ? 0 : std::min(same, position());
  const Status cut = sequence_.cut(reachable);
  CHECK(cut.has_value(), "{}", cut.error().message());
  snapshots_.cut(reachable);
  return exceptions_to_errors("the text of a prompt", [&]() -> Status {
    text_.assign(text.begin(), text.end());
    return {};
  });
}

Status Past::keep() {
  if (snapshots_.budget() == 0 || position() == 0) return {};
  TRY_ASSIGN(SnapshotStore::Snapshot snapshot, sequence_.snapshot());
  return snapshots_.add(std::move(snapshot));
}

}  // namespace adder
