#include "make/train/study/run_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using ::testing::HasSubstr;

constexpr const char* kRouter =
    R"({"kind":"run","step":0,"first_token":0,"end":200,"judged_at":[0,100,200]}
{"kind":"held_out","step":0,"tokens":0,"loss":5,"kl":4,"agreement":0.1,"accuracy":0.2,"parameters":70}
{"kind":"step","step":10,"tokens":100,"loss":4}
{"kind":"held_out","step":13,"tokens":130,"loss":4,"kl":3,"agreement":0.1,"accuracy":0.2,"parameters":50}
{"kind":"held_out","step":20,"tokens":200,"loss":3,"kl":2,"agreement":0.1,"accuracy":0.2,"parameters":45}
)";
constexpr const char* kChild =
    R"({"kind":"run","step":0,"first_token":200,"end":1000,"judged_at":[200,1000]}
{"kind":"held_out","step":0,"tokens":200,"loss":3.0001,"kl":2.5,"agreement":0.1,"accuracy":0.2,"parameters":45}
{"kind":"run","step":40,"first_token":200,"end":1000,"judged_at":[200,1000]}
{"kind":"held_out","step":80,"tokens":1000,"loss":2,"kl":1,"agreement":0.3,"accuracy":0.4,"parameters":45}
)";
constexpr const char* kLongWindows =
    R"({"kind":"run","step":0,"first_token":0,"end":400,"judged_at":[0,400]}
{"kind":"held_out","step":0,"tokens":0,"loss":1.5,"accuracy":0.4,"parameters":45}
{"kind":"held_out","step":80,"tokens":400,"loss":1.25,"accuracy":0.4,"parameters":45}
)";

TEST(RunLog, PartsAreOneRunAndSayHowWellTheyMeet) {
  const testing::TempDir dir;
  dir.put("router/metrics.jsonl", kRouter);
  dir.put("child/metrics.jsonl", kChild);
  const RunLog run = read_run({dir / "router", dir / "child"}).value();
  ASSERT_EQ(run.points.size(), 3u);  // what a checkpoint had judged at 130 was not asked for
  EXPECT_EQ(run.points[0].tokens, 0);
  EXPECT_EQ(run.points[1].tokens, 200);
  EXPECT_EQ(run.points[1].kl, 2.5);  // the file's, which goes on
  EXPECT_EQ(run.points[2].agreement, 0.3);
  EXPECT_EQ(run.end, 1000);
  ASSERT_TRUE(run.seam);
  EXPECT_DOUBLE_EQ(*run.seam, 0.5);
}

TEST(RunLog, AStageThatCountsAnewCountsOn) {
  const testing::TempDir dir;
  dir.put("child/metrics.jsonl", kChild);
  dir.put("long/metrics.jsonl", kLongWindows);
  const RunLog run = read_run({dir / "child", dir / "long"}).value();
  EXPECT_EQ(run.end, 1400);
  EXPECT_EQ(run.points.back().tokens, 1400);
  EXPECT_FALSE(run.points.back().kl);
  EXPECT_FALSE(run.seam);  // other windows
}

TEST(RunLog, WhatHasNotBegunIsLeftOutUnlessNothingHas) {
  const testing::TempDir dir;
  dir.put("router/metrics.jsonl", kRouter);
  EXPECT_EQ(read_run({dir / "router", dir / "child"}).value().end, 200);
  EXPECT_THAT(read_run({dir / "child"}).error().message(), HasSubstr("no run has begun there"));
  dir.put("old/metrics.jsonl", R"({"kind":"held_out","step":0,"tokens":0})");
  EXPECT_THAT(read_run({dir / "old"}).error().message(), HasSubstr("does not say what run it is of"));
  dir.put("odd/metrics.jsonl", R"({"kind":"run","step":0,"first_token":"x","end":1,"judged_at":[]})");
  EXPECT_FALSE(read_run({dir / "odd"}));
}

}  // namespace
}  // namespace adder
