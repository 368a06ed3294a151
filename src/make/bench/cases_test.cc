#include "make/bench/cases.h"

#include <gtest/gtest.h>

#include "core/base/testing/expect_error.h"
#include "core/base/threads.h"

namespace adder {
namespace {

using testing::expect_error;

TEST(Cases, AreAllCombinationsWithThreadsOutermost) {
  CaseLists lists;
  lists.threads = {1, 2};
  lists.depth = {0, 64};
  lists.batch = {1, 8};
  lists.prompt = {5, 6, 7};
  const auto cases = combinations(lists, 1000);
  ASSERT_TRUE(cases) << cases.error().message();
  ASSERT_EQ(cases->size(), 24u);
  EXPECT_EQ((*cases)[0].prompt, 5);
  EXPECT_EQ((*cases)[1].prompt, 6);
  EXPECT_EQ((*cases)[3].batch, 8);
  EXPECT_EQ((*cases)[6].depth, 64);
  EXPECT_EQ((*cases)[11].threads, 1);
  EXPECT_EQ((*cases)[12].threads, 2);
  EXPECT_EQ((*cases)[23].positions(), 64 + 7 + 128);
}

TEST(Cases, WithoutThreadsTakeThoseThatAreThere) {
  const auto cases = combinations({}, 1000);
  ASSERT_TRUE(cases);
  ASSERT_EQ(cases->size(), 1u);
  EXPECT_EQ(cases->front().threads, available_threads());
}

TEST(Cases, ListsAreNumbersBetweenCommas) {
  EXPECT_EQ(parse_list("512").value(), std::vector<int64_t>{512});
  EXPECT_EQ(parse_list("0,-1,8192").value(), (std::vector<int64_t>{0, -1, 8192}));
  for (const char* bad : {"", ",", "512,", ",512", "1,,2", "1 2", "1,two", "8k", "1.5", "99999999999999999999", "0x10"})
    expect_error(parse_list(bad), ErrorCode::kUsage, bad, "list of numbers");
}

TEST(Cases, NumbersOutOfRangeAreNamed) {
  const auto with = [](auto set) {
    CaseLists lists;
    set(lists);
    return combinations(lists, 4096);
  };
  expect_error(with([](CaseLists& l) { l.prompt = {512, 0}; }), ErrorCode::kUsage, "prompt: 0", "1 to 4096");
  expect_error(with([](CaseLists& l) { l.depth = {-1}; }), ErrorCode::kUsage, "depth: -1");
  expect_error(with([](CaseLists& l) { l.batch = {1025}; }), ErrorCode::kUsage, "batch: 1025");
  expect_error(with([](CaseLists& l) { l.threads = {0}; }), ErrorCode::kUsage, "threads: 0");
  expect_error(with([](CaseLists& l) { l.generate = {}; }), ErrorCode::kUsage, "generate: an empty list");
  expect_error(with([](CaseLists& l) { l.depth = {0, 4000}; }), ErrorCode::kUsage, "4000 + 512 + 128 tokens", "4096");
  expect_error(with([](CaseLists& l) { l.depth = l.prompt = l.batch = std::vector<int64_t>(100, 1); }),
               ErrorCode::kUsage, "more than 10000 combinations");
}

}  // namespace
}  // namespace adder
