#include "make/bench/latency.h"

#include <gmock/gmock.h>

#include "core/arch/presets.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;

TEST(Latency, TheDefaultGridFitsTheGroups) {
  const LatencyGrid grid = default_grid(nano_9b());
  EXPECT_THAT(grid.hidden, ElementsAre(2240, 3360, 4480));
  EXPECT_THAT(grid.ffn, ElementsAre(7840, 11744, 15680));
  EXPECT_THAT(grid.mamba_heads, ElementsAre(64, 96, 128));
  EXPECT_THAT(grid.attention_heads, ElementsAre(16, 24, 40));
  EXPECT_TRUE(check_grid(nano_9b(), grid));
  EXPECT_TRUE(check_grid(tiny(), default_grid(tiny())));
}

TEST(Latency, AGridThatMakesNoSenseIsRefused) {
  LatencyGrid grid = default_grid(nano_9b());
  grid.mamba_heads = {60, 96};
  expect_error(check_grid(nano_9b(), grid), ErrorCode::kUsage, "mamba_heads", "60", "multiple of 8");
  grid = default_grid(nano_9b());
  grid.ffn = {128, 64};
  expect_error(check_grid(nano_9b(), grid), ErrorCode::kUsage, "ffn", "64");
  grid.ffn = {128};
  expect_error(check_grid(nano_9b(), grid), ErrorCode::kUsage, "ffn", "two sizes");
}

TEST(Latency, EveryPartHasATimeAtEverySize) {
  const testing::TempDir dir;
  const LatencyGrid grid = {{64, 128}, {64, 128}, {8, 16}, {4, 8}};
  int64_t calls = 0;
  double last = 0;
  const auto table = measure_latency(tiny(), grid,
                                     {.mix = Mix::kQ8_0,
                                      .threads = 1,
                                      .tokens = 2,
                                      .repetitions = 1,
                                      .scratch = dir.path(),
                                      .progress = [&](double done) -> Status {
                                        ++calls;
                                        last = done;
                                        return {};
                                      }});
  ASSERT_TRUE(table) << table.error().message();
  for (const char* const part : {"mamba", "attention", "mlp", "head"}) {
    EXPECT_EQ((*table)[part]["hidden"], grid.hidden) << part;
    ASSERT_EQ((*table)[part]["us"].size(), 2u);
    for (const auto& row : (*table)[part]["us"]) {
      EXPECT_EQ(row.size(), std::string_view(part) == "head" ? 1u : 2u);
      for (const auto& us : row) EXPECT_GT(us.get<double>(), 0);
    }
  }
  EXPECT_EQ((*table)["mlp"]["width"], grid.ffn);
  EXPECT_EQ(calls, 2 * (3 * 4 + 2));
  EXPECT_DOUBLE_EQ(last, 1);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path())) << "files are removed";
}

TEST(Latency, StopsWhenItIsTold) {
  const testing::TempDir dir;
  const auto table = measure_latency(tiny(), {{64, 128}, {64, 128}, {8, 16}, {4, 8}},
                                     {.mix = Mix::kQ8_0,
                                      .threads = 1,
                                      .tokens = 1,
                                      .repetitions = 1,
                                      .scratch = dir.path(),
                                      .progress = [](double) -> Status { return Error::cancelled("enough"); }});
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code(), ErrorCode::kCancelled);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace adder
