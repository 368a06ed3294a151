#include "run/state/snapshot_store.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/exceptions.h"

namespace adder {

Status SnapshotStore::add(Snapshot snapshot) {
  TRY(exceptions_to_errors("a further snapshot", [&]() -> Status {
    snapshots_.reserve(snapshots_.size() + 1);
    hold(*snapshot);
    return {};
  }));
  const int64_t end = snapshot->position();
  if (!snapshots_.empty() && snapshots_.back()->position() == end) drop(snapshots_.size() - 1);
  CHECK(snapshots_.empty() || snapshots_.back()->position() < end, "{} after {}", end, snapshots_.back()->position());
  snapshots_.push_back(std::move(snapshot));

  for (size_t i = snapshots_.size() - 1; i-- > 0;)
    if (worth(i) <= kSpacing) drop(i);
  while (bytes_ > budget_) {
    size_t least = 0;
    for (size_t i = 1; i + 1 < snapshots_.size(); ++i)
      if (worth(i) < worth(least)) least = i;
    drop(least);
  }
  return {};
}

/// The gap that the absence of snapshot i would leave, in distances from the end. Without the first one, the replay
/// begins at 0. The last one has no gap to leave.
double SnapshotStore::worth(size_t i) const {
  const int64_t before = i > 0 ? snapshots_[i - 1]->position() : 0;
  const int64_t gap = snapshots_[i + 1]->position() - before;
  return static_cast<double>(gap) / static_cast<double>(snapshots_.back()->position() - snapshots_[i]->position());
}

SnapshotStore::Snapshot SnapshotStore::nearest(int64_t position) const {
  const auto reaches = [&](const Snapshot& snapshot) { return snapshot->position() / kChunk * kChunk <= position; };
  const auto found = std::find_if(snapshots_.rbegin(), snapshots_.rend(), reaches);
  return found == snapshots_.rend() ? nullptr : *found;
}

void SnapshotStore::cut(int64_t position) {
  while (!snapshots_.empty() && snapshots_.back()->position() > position) drop(snapshots_.size() - 1);
}

std::vector<int64_t> SnapshotStore::positions() const {
  std::vector<int64_t> positions;
  for (const Snapshot& snapshot : snapshots_) positions.push_back(snapshot->position());
  return positions;
}

/// All of it or nothing: the second round finds every place made.
void SnapshotStore::hold(const Sequence::Snapshot& snapshot) {
  try {
    snapshot.for_each_buffer([&](const Buffer& buffer) {
      if (buffer.bytes() > 0) buffers_.try_emplace(buffer.identity());
    });
  } catch (...) {
    std::erase_if(buffers_, [](const auto& buffer) { return buffer.second.holders == 0; });
    throw;
  }
  snapshot.for_each_buffer([&](const Buffer& buffer) {
    if (buffer.bytes() == 0) return;
    Held& held = buffers_[buffer.identity()];
    if (held.holders++ > 0) return;
    held.bytes = buffer.bytes();
    bytes_ += held.bytes;
  });
}

void SnapshotStore::drop(size_t i) {
  snapshots_[i]->for_each_buffer([&](const Buffer& buffer) {
    if (buffer.bytes() == 0) return;
    const auto held = buffers_.find(buffer.identity());
    if (--held->second.holders > 0) return;
    bytes_ -= held->second.bytes;
    buffers_.erase(held);
  });
  snapshots_.erase(snapshots_.begin() + static_cast<std::ptrdiff_t>(i));
}

}  // namespace adder
