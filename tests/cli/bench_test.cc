#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "program.h"

namespace adder {
namespace {

using testing::HasSubstr;

TEST(Bench, ReportsEveryField) {
  const Outcome outcome = run_adder({"bench", tiny_model(), "--prompt", "16", "--generate", "4", "--depth", "8",
                                     "--repetitions", "2", "--threads", "1", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto report = outcome.json();
  for (const std::string field : {"prompt_tokens_per_s", "generate_tokens_per_s", "time_to_first_token_s", "load_s",
                                  "peak_rss_bytes", "read_bandwidth_bytes_per_s", "read_bandwidth_share"})
    EXPECT_GT(report[field], 0) << field;
  EXPECT_EQ(report["threads"], 1);
  EXPECT_EQ(report["depth"], 8);
}

TEST(Bench, EveryCombinationIsARow) {
  const Outcome outcome = run_adder({"bench", "--prompt", "4,8", "--generate", "2", "--depth", "70,0", "--batch", "1,3",
                                     "--threads", "2,1", "--repetitions", "1", tiny_model(), "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto rows = outcome.json();
  ASSERT_EQ(rows.size(), 16u);
  EXPECT_EQ(rows[0]["threads"], 2);
  EXPECT_EQ(rows[0]["depth"], 70);
  EXPECT_EQ(rows[15]["threads"], 1);
  EXPECT_EQ(rows[15]["batch"], 3);
  EXPECT_EQ(rows[15]["prompt"], 8);
  for (const auto& row : rows) {
    EXPECT_GT(row["generate_tokens_per_s"], 0);
    EXPECT_GT(row["prompt_operations_per_s"], 0);
  }
  // The weights serve all sequences of a batch, the states do not.
  EXPECT_LT(rows[2]["bytes_per_token"], rows[0]["bytes_per_token"]);
  EXPECT_EQ(rows[2]["pass_bytes"]["weights"], rows[0]["pass_bytes"]["weights"]);
  EXPECT_EQ(rows[2]["pass_bytes"]["state_read"], 3 * rows[0]["pass_bytes"]["state_read"].get<int64_t>());
}

TEST(Bench, SpeaksEveryFormat) {
  const auto in = [](const std::string& format) {
    return run_adder({"bench", tiny_model(), "--prompt", "4", "--generate", "2", "--repetitions", "1", "--threads", "1",
                      "--format", format})
        .out;
  };
  EXPECT_THAT(in("table"), HasSubstr("of bound"));
  EXPECT_THAT(in("markdown"), HasSubstr("| threads | batch |"));
  EXPECT_THAT(in("csv"), testing::StartsWith("model,isa,threads,"));
  EXPECT_THAT(in("html"), testing::StartsWith("<!doctype html>"));
}

TEST(Bench, ProfileNamesTheOpsAndAccountsForTheTime) {
  const Outcome outcome = run_adder({"bench", tiny_model(), "--prompt", "70", "--generate", "4", "--repetitions", "1",
                                     "--threads", "1", "--profile", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto phase = outcome.json()["profile"]["prompt"];
  double seconds = phase["between_ops_thread_seconds"];
  std::vector<std::string> names;
  for (const auto& op : phase["ops"]) {
    names.push_back(op["op"]);
    seconds += op["thread_seconds"].get<double>();
    EXPECT_GT(op["bytes"], 0) << op["op"];
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"conv_silu", "ssd_output", "ssd_advance", "attention F16", "relu2"}));
  EXPECT_NEAR(seconds, phase["seconds"].get<double>(), 1e-6);  // one thread
  EXPECT_EQ(phase["tokens"], 70);
}

TEST(Bench, ComparesWithAnotherProgramInTurns) {
  const Outcome outcome = run_adder({"bench", tiny_model(), "--prompt", "16", "--generate", "4", "--threads", "1",
                                     "--repetitions", "2", "--compare", std::getenv("ADDER_BINARY"), "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto ratio = outcome.json()["generate_tokens_per_s"]["ratio"];
  EXPECT_GT(ratio["low"], 0);
  EXPECT_LE(ratio["low"], ratio["median"]);
  EXPECT_LE(ratio["median"], ratio["high"]);

  const Outcome wrong = run_adder({"bench", tiny_model(), "--compare", "/bin/true"});
  EXPECT_EQ(wrong.status, 5);
  EXPECT_THAT(wrong.err, HasSubstr("/bin/true bench --json"));
  EXPECT_EQ(run_adder({"bench", tiny_model(), "--compare", "/nowhere/adder"}).status, 2);
}

}  // namespace
}  // namespace adder
