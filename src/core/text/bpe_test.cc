#include "core/text/bpe.h"

#include <gtest/gtest.h>

#include <ctime>
#include <map>
#include <utility>

#include "core/base/rng.h"

namespace adder {
namespace {

using Merges = std::map<std::pair<int32_t, int32_t>, std::pair<int32_t, int32_t>>;  // pair -> rank, merged

/// The definition, word for word.
std::vector<int32_t> merge_slowly(const Merges& merges, std::vector<int32_t> ids) {
  while (true) {
    size_t best = ids.size();
    std::pair<int32_t, int32_t> best_merge;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = merges.find({ids[i], ids[i + 1]});
      if (found == merges.end() || (best < ids.size() && found->second.first >= best_merge.first)) continue;
      best = i;
      best_merge = found->second;
    }
    if (best == ids.size()) return ids;
    ids[best] = best_merge.second;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(BpeMerges, FollowsTheDefinition) {
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    const auto n_bytes = static_cast<int32_t>(1 + rng.next_u32() % 4),
               n_merges = static_cast<int32_t>(rng.next_u32() % 40);
    Merges reference;
    BpeMerges merges;
    for (int32_t rank = 0; rank < n_merges; ++rank) {
      const auto any = [&] { return static_cast<int32_t>(rng.next_u32() % static_cast<uint32_t>(n_bytes + rank)); };
      const std::pair<int32_t, int32_t> pair = {any(), any()};
      const bool fresh = reference.try_emplace(pair, rank, n_bytes + rank).second;
      EXPECT_EQ(merges.add(pair.first, pair.second, rank, n_bytes + rank), fresh);
    }
    BpeMerges::Workspace workspace;
    for (int text = 0; text < 20; ++text) {
      std::vector<int32_t> ids(rng.next_u32() % 40);
      for (int32_t& id : ids) id = static_cast<int32_t>(rng.next_u32() % static_cast<uint32_t>(n_bytes));
      std::vector<int32_t> merged = {-7};  // what lies before `begin` stays
      merged.insert(merged.end(), ids.begin(), ids.end());
      merges.merge(merged, 1, workspace);
      std::vector<int32_t> expected = merge_slowly(reference, ids);
      expected.insert(expected.begin(), -7);
      EXPECT_EQ(merged, expected);
    }
  }
}

TEST(BpeMerges, LeftmostOfEquals) {
  BpeMerges merges;
  ASSERT_TRUE(merges.add(0, 0, 0, 1));
  std::vector<int32_t> ids = {0, 0, 0, 0, 0};
  BpeMerges::Workspace workspace;
  merges.merge(ids, 0, workspace);
  EXPECT_EQ(ids, (std::vector<int32_t>{1, 1, 0}));
}

// One piece without a boundary that merges all the way up. Looking at every pair again after every merge would be some
// 3e10 steps, half a minute and more; the queue takes a fraction of a second.
TEST(BpeMerges, ALongPieceIsNotQuadratic) {
  BpeMerges merges;
  for (int32_t level = 0; level < 24; ++level) ASSERT_TRUE(merges.add(level, level, level, level + 1));
  BpeMerges::Workspace workspace;
  std::vector<int32_t> ids(1 << 18, 0);
  const std::clock_t begin = std::clock();
  merges.merge(ids, 0, workspace);
  EXPECT_LE(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 5);
  EXPECT_EQ(ids, std::vector<int32_t>{18});
}

}  // namespace
}  // namespace adder
