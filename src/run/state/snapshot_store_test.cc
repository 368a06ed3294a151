#include "run/state/snapshot_store.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "run/state/small_config_for_test.h"

namespace adder {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kPlenty = int64_t{1} << 40;

class SnapshotStoreTest : public testing::Test {
 protected:
  void go_to(int64_t position) {
    while (sequence_.position() < position) {
      const int64_t n = std::min(kChunk - sequence_.position() % kChunk, position - sequence_.position());
      ASSERT_TRUE(sequence_.reserve(n).has_value());
      sequence_.advance(n);
    }
  }
  void add_at(SnapshotStore& store, int64_t position) {
    go_to(position);
    ASSERT_TRUE(store.add(sequence_.snapshot().value()));
  }
  static int64_t at(const SnapshotStore::Snapshot& snapshot) { return snapshot ? snapshot->position() : -1; }

  Sequence sequence_{small_config("M*M"), DType::kF16};
};

TEST_F(SnapshotStoreTest, FindsThePlaceWithTheLeastReplay) {
  SnapshotStore store(kPlenty);
  EXPECT_EQ(at(store.nearest(1000)), -1);
  for (const int64_t position : {100, 192, 300}) add_at(store, position);
  EXPECT_EQ(at(store.nearest(63)), -1);
  EXPECT_EQ(at(store.nearest(64)), 100);  // its chunk begins at 64, so it can be cut
  EXPECT_EQ(at(store.nearest(191)), 100);
  EXPECT_EQ(at(store.nearest(192)), 192);
  EXPECT_EQ(at(store.nearest(255)), 192);
  EXPECT_EQ(at(store.nearest(256)), 300);
  EXPECT_EQ(at(store.nearest(100'000)), 300);
}

TEST_F(SnapshotStoreTest, CutsTheFuture) {
  SnapshotStore store(kPlenty);
  for (const int64_t position : {64, 128, 192}) add_at(store, position);
  store.cut(128);
  EXPECT_THAT(store.positions(), ElementsAre(64, 128));
  store.cut(0);
  EXPECT_THAT(store.positions(), IsEmpty());
  EXPECT_EQ(store.bytes(), 0);
}

TEST_F(SnapshotStoreTest, TheSamePlaceIsKeptOnce) {
  SnapshotStore store(kPlenty);
  add_at(store, 70);
  const int64_t bytes = store.bytes();
  ASSERT_TRUE(store.add(sequence_.snapshot().value()));
  EXPECT_THAT(store.positions(), ElementsAre(70));
  EXPECT_EQ(store.bytes(), bytes);
}

/// By hand: ssm 6 * 8 * 16 floats, window 3 rows of 112 floats, two Mamba layers; keys and values of 2 heads of 16 in
/// F16, 64 positions a page, one layer.
TEST_F(SnapshotStoreTest, SharedPagesCountOnce) {
  constexpr int64_t kRecurrent = 2 * 4 * (6 * 8 * 16 + 3 * 112), kPage = 2 * 2 * 2 * 64 * 16;
  SnapshotStore store(kPlenty);
  add_at(store, kChunk);
  EXPECT_EQ(store.bytes(), kRecurrent + kPage);
  add_at(store, 2 * kChunk);
  EXPECT_EQ(store.bytes(), 2 * kRecurrent + 2 * kPage);  // the first page is one for both
  add_at(store, 2 * kChunk + 5);  // the state is that of the chunk's start; a log of five rows, and a page
  EXPECT_EQ(store.bytes(), 2 * kRecurrent + 2 * kPage + 2 * 4 * (3 * 112 + 5 * (2 * 112 + 2 * 6)) + kPage);
  store.cut(2 * kChunk);
  EXPECT_EQ(store.bytes(), 2 * kRecurrent + 2 * kPage);
}

TEST_F(SnapshotStoreTest, SpacingWidensWithTheDistance) {
  SnapshotStore store(kPlenty);
  constexpr int64_t kEnd = 400 * kChunk;
  for (int64_t position = kChunk; position <= kEnd; position += kChunk) add_at(store, position);
  const std::vector<int64_t> positions = store.positions();
  EXPECT_LT(positions.size(), 50u);
  EXPECT_EQ(positions.back(), kEnd);
  EXPECT_EQ(positions[positions.size() - 2], kEnd - kChunk);
  for (int64_t position = kChunk; position <= kEnd; position += 17) {
    const int64_t replay = std::max<int64_t>(0, position - at(store.nearest(position)));
    EXPECT_LE(replay, std::max<int64_t>(kChunk, (kEnd - position) / 3)) << position;
  }
}

TEST_F(SnapshotStoreTest, StaysWithinTheBudget) {
  for (const int64_t budget : {1, 30'000, 100'000, 400'000}) {
    sequence_ = Sequence(small_config("M*M"), DType::kF16);
    SnapshotStore store(budget);
    for (int64_t position = kChunk; position <= 60 * kChunk; position += kChunk) {
      add_at(store, position);
      ASSERT_LE(store.bytes(), budget);
    }
    if (budget == 1) {
      EXPECT_THAT(store.positions(), IsEmpty());
    }
  }
}

/// A budget for eight of the states, and what there is of them: the last stays, and places everywhere.
TEST_F(SnapshotStoreTest, ASmallBudgetStillReachesFarBack) {
  constexpr int64_t kRecurrent = 2 * 4 * (6 * 8 * 16 + 3 * 112), kPage = 2 * 2 * 2 * 64 * 16, kEnd = 64 * kChunk;
  SnapshotStore store(8 * kRecurrent + 64 * kPage);
  for (int64_t position = kChunk; position <= kEnd; position += kChunk) add_at(store, position);
  EXPECT_GE(store.positions().size(), 7u);
  EXPECT_EQ(store.positions().back(), kEnd);
  EXPECT_LE(store.positions().front(), kEnd / 2);
  for (int64_t position = kEnd / 2; position <= kEnd; position += 17)
    EXPECT_LE(position - at(store.nearest(position)), std::max<int64_t>(kChunk, kEnd - position)) << position;
}

}  // namespace
}  // namespace adder
