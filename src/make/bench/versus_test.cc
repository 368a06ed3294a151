#include "make/bench/versus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using testing::expect_error;
using ::testing::HasSubstr;

TEST(Versus, RunsInTurnsAndDividesRoundByRound) {
  std::string order;
  const auto side = [&](char who, std::vector<double> speeds) {
    return [&order, who, speeds, i = size_t{0}](const Case&) mutable -> Result<Rates> {
      order += who;
      const double speed = speeds[i++];
      return Rates{speed, 2 * speed};
    };
  };
  const auto row = compare_in_turns(side('a', {20, 40, 90}), side('b', {10, 10, 30}), {}, 3);
  ASSERT_TRUE(row);
  EXPECT_EQ(order, "ababab");
  EXPECT_EQ(row->prompt.ratio.median, 3);  // of 2, 4 and 3; the medians' ratio would be 4
  EXPECT_EQ(row->prompt.ratio.low, 2);
  EXPECT_EQ(row->prompt.ratio.high, 4);
  EXPECT_EQ(row->generate.a.median, 80);

  const VersusReport report{"m.gguf", "new", "old", 3, {*row}};
  EXPECT_THAT(render(report, BenchFormat::kTable), HasSubstr("3.000  2.000 to 4.000"));
  EXPECT_EQ(nlohmann::json::parse(render(report, BenchFormat::kJson))["prompt_tokens_per_s"]["ratio"]["median"], 3);
  EXPECT_THAT(render(report, BenchFormat::kCsv), HasSubstr("generate_tokens_per_s.ratio.high"));
}

std::filesystem::path script(const testing::TempDir& dir, const std::string& body) {
  dir.put("other", "#!/bin/sh\n" + body);
  std::filesystem::permissions(dir / "other", std::filesystem::perms::owner_all);
  return dir / "other";
}

TEST(RunBench, AsksInWordsOfTheFirstAdderAndReadsItsAnswer) {
  const testing::TempDir dir;
  const auto program = script(dir, "echo \"$@\" > " + (dir / "said").string() +
                                       "\necho '{\"prompt_tokens_per_s\": 12.5, \"generate_tokens_per_s\": 3}'\n");
  const auto rates = run_bench(program, "a model.gguf", {2, 1, 8, 16, 4}, DType::kF16);
  ASSERT_TRUE(rates) << rates.error().message();
  EXPECT_EQ(rates->prompt, 12.5);
  EXPECT_EQ(rates->generate, 3);
  EXPECT_EQ(read_file(dir / "said").value(),
            "bench a model.gguf --json --repetitions 1 --prompt 16 --generate 4 --depth 8 --threads 2 --kv-type F16\n");
  ASSERT_TRUE(run_bench(program, "m", {2, 1, 8, 16, 4}, DType::kF8E4M3, DType::kBF16));
  EXPECT_THAT(read_file(dir / "said").value(), HasSubstr("--kv-type F8_E4M3 --state-type BF16"));
}

TEST(RunBench, SaysWhatIsWrongWithTheOtherProgram) {
  const testing::TempDir dir;
  expect_error(run_bench(dir / "absent", "m", {}, DType::kF16), ErrorCode::kNotFound, "absent", "cannot be started");
  expect_error(run_bench(script(dir, "exit 3\n"), "m", {}, DType::kF16), ErrorCode::kUnsupported, "status 3");
  expect_error(run_bench(script(dir, "echo hello\n"), "m", {}, DType::kF16), ErrorCode::kUnsupported, "found hello");
  expect_error(run_bench(script(dir, "echo '{\"prompt_tokens_per_s\": \"x\"}'\n"), "m", {}, DType::kF16),
               ErrorCode::kUnsupported, "generate_tokens_per_s");
}

}  // namespace
}  // namespace adder
