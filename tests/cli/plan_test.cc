#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/testing/sanitizer.h"
#include "program.h"

namespace adder {
namespace {

using testing::HasSubstr;

TEST(Plan, LinesAddUpAndTheAnswerFollows) {
  const nlohmann::json plan =
      run_adder({"plan", tiny_model(), "--context", "1000", "--sequences", "4", "--memory", "1GB", "--json"}).json();
  int64_t sum = 0;
  for (const char* line : {"weights", "vectors", "kv", "recurrent", "log", "activations", "text", "process"})
    sum += plan.at(std::string(line) + "_bytes").get<int64_t>();
  EXPECT_EQ(plan["total_bytes"], sum);
  EXPECT_EQ(plan["memory_bytes"], 1'000'000'000);
  EXPECT_EQ(plan["fits"], true);
  // A file smaller than a piece is packed before it is given back.
  EXPECT_GT(plan["weights_bytes"], std::filesystem::file_size(tiny_model()));
  EXPECT_LE(plan["weights_bytes"], 2 * std::filesystem::file_size(tiny_model()));

  EXPECT_THAT(run_adder({"plan", tiny_model(), "--memory", "1GB"}).out, HasSubstr("Fits in 1000.0 MB given"));
  const Outcome no = run_adder({"plan", tiny_model(), "--memory", "2MB", "--context", "100000"});
  EXPECT_EQ(no.status, 0) << no.err;
  EXPECT_THAT(no.out, HasSubstr("Does not fit in 2000.0 kB given"));
  EXPECT_THAT(run_adder({"plan", tiny_model()}).out, HasSubstr("available here"));
}

TEST(Plan, CountsTheTypesOfWhatIsKept) {
  const auto plan = [](const std::string& kv, const std::string& state) {
    return run_adder({"plan", "--context", "512", "--kv-type", kv, "--state-type", state, "--json"}).json();
  };
  const nlohmann::json usual = plan("f16", "f32"), small = plan("fp8", "bf16");
  EXPECT_EQ(small["kv_type"], "F8_E4M3");
  EXPECT_EQ(small["state_type"], "BF16");
  EXPECT_EQ(2 * small["kv_bytes"].get<int64_t>(), usual["kv_bytes"].get<int64_t>());
  // Of the recurrent bytes the window of the convolution stays as it is.
  const auto before = usual["recurrent_bytes"].get<int64_t>(), after = small["recurrent_bytes"].get<int64_t>();
  EXPECT_LT(after, before);
  EXPECT_GT(2 * after, before);
}

/// The program's own peak, against what was said before.
TEST(Plan, ARunKeepsWithinIt) {
  const nlohmann::json run = run_adder({"bench", tiny_model(), "--prompt", "3000", "--generate", "8", "--repetitions",
                                        "1", "--threads", "2", "--kv-type", "f32", "--json"})
                                 .json();
  const nlohmann::json plan = run_adder({"plan", tiny_model(), "--context", "3008", "--threads", "2", "--kv-type",
                                         "f32", "--sequences", "1", "--json"})
                                  .json();
  const auto peak = run["peak_rss_bytes"].get<int64_t>(), total = plan["total_bytes"].get<int64_t>();
  RecordProperty("peak", std::to_string(peak));
  RecordProperty("planned", std::to_string(total));
#if !ADDER_ASAN && !ADDER_TSAN
  EXPECT_LE(peak, total);
#endif
  // All but the estimates, which are meant to be generous, and the file, of which only what is used is resident.
  EXPECT_GE(peak, total - plan["text_bytes"].get<int64_t>() - plan["process_bytes"].get<int64_t>() -
                      plan["weights_bytes"].get<int64_t>() / 2);
}

TEST(Plan, RunRefusesWhatCannotFit) {
  const Outcome outcome = run_adder({"run", tiny_model(), "-p", "x", "--memory", "1MB"});
  EXPECT_EQ(outcome.status, 6);
  EXPECT_THAT(outcome.err, HasSubstr("1000.0 kB of memory allowed"));
  EXPECT_EQ(run_adder({"run", tiny_model(), "-p", "x", "-n", "1", "--memory", "1GiB"}).status, 0);
}

}  // namespace
}  // namespace adder
