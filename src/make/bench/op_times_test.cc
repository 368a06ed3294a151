#include "make/bench/op_times.h"

#include <gtest/gtest.h>

#include <cstring>

namespace adder {
namespace {

const Ops& scalar() {
  return *supported_ops().front();
}

/// A table is a name and pointers to functions: none may be left untimed.
TEST(OpTimes, EveryOpOfTheTableIsReplaced) {
  const Ops& timed = timed_ops(scalar());
  EXPECT_EQ(timed.name, scalar().name);
  constexpr size_t kPointers = (sizeof(Ops) - sizeof(std::string_view)) / sizeof(void*);
  void *before[kPointers], *after[kPointers];
  const auto copy = [](void** to, const Ops& ops) {
    std::memcpy(to, reinterpret_cast<const std::byte*>(&ops) + sizeof(std::string_view), kPointers * sizeof(void*));
  };
  copy(before, scalar());
  copy(after, timed);
  for (size_t i = 0; i < kPointers; ++i) {
    EXPECT_NE(after[i], nullptr) << i;
    EXPECT_NE(after[i], before[i]) << i;
    for (size_t j = 0; j < i; ++j) EXPECT_NE(after[i], after[j]) << i << " and " << j;
  }
}

TEST(OpTimes, CountWhatACallDoesAndChangeNothing) {
  const Ops& timed = timed_ops(scalar());
  take_op_times();
  const std::vector<float> w(6 * 64, 0.5f), x(2 * 64, 2.0f);
  std::vector<float> y(2 * 6);
  const TensorView view{DType::kF32, {6, 64}, reinterpret_cast<const std::byte*>(w.data())};
  timed.linear({view, x.data(), y.data(), 2}, 0, 2);
  timed.linear({view, x.data(), y.data(), 2}, 2, 6);
  for (const float value : y) EXPECT_EQ(value, 64);
  timed.add(y.data(), y.data(), 0, 12);

  std::vector<OpTime> times = take_op_times();
  ASSERT_EQ(times.size(), 2u);
  if (times[0].op == "add") std::swap(times[0], times[1]);
  EXPECT_EQ(times[0].op, "linear F32");
  EXPECT_EQ(times[0].calls, 2);
  EXPECT_EQ(times[0].bytes, 6 * 64 * 4);
  EXPECT_EQ(times[0].operations, 2 * 6 * 64 * 2);
  EXPECT_GT(times[0].seconds, 0);
  EXPECT_EQ(times[1].op, "add");
  EXPECT_EQ(times[1].bytes, 3 * 12 * 4);
  EXPECT_TRUE(take_op_times().empty());
}

/// Two queries of 4 heads over 2 KV heads of 16, at positions 5 and 6: they see 6 and 7 keys.
TEST(OpTimes, AttentionCountsTheKeysEachQuerySees) {
  const Ops& timed = timed_ops(scalar());
  take_op_times();
  const std::vector<float> page(2 * kKeyBlock * 16, 1.0f), q(2 * 4 * 16, 1.0f);
  std::vector<float> out(q.size());
  const auto* const bytes = reinterpret_cast<const std::byte*>(page.data());
  const AttentionArgs args{q.data(), out.data(), &bytes, &bytes, DType::kF32, 5, 4, 2, 16, 1.0f};
  timed.attention(args, 0, 8);
  std::vector<OpTime> times = take_op_times();
  ASSERT_EQ(times.size(), 1u);
  EXPECT_EQ(times[0].op, "attention F32");
  EXPECT_EQ(times[0].operations, 4 * 16 * 4 * (6 + 7));
  EXPECT_EQ(times[0].bytes, 2 * 2 * 7 * 16 * 4);

  timed.attention(args, 2, 4);  // the two heads of the second KV head, first query
  times = take_op_times();
  EXPECT_EQ(times.at(0).operations, 4 * 16 * 2 * 6);
  EXPECT_EQ(times.at(0).bytes, 2 * 1 * 6 * 16 * 4);
}

}  // namespace
}  // namespace adder
