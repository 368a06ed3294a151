#include "make/bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adder {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

BenchReport two_rows() {
  BenchReport report{.model = "a,\"b\"<c>.gguf", .isa = "avx2", .kv_type = DType::kF16, .repetitions = 3, .rows = {}};
  for (const int64_t batch : {1, 8}) {
    BenchRow row{.measured = {.threads = 2, .batch = batch}, .load_s = 0.25, .speed = {}};
    row.speed.prompt_tokens_per_s = {100, 90, 110};
    row.speed.generate_tokens_per_s = {10.0 * static_cast<double>(batch), 9, 11};
    row.speed.pass = {.weights = 800'000'000, .state_read = 0, .state_written = 0, .kv_read = 0};
    row.speed.achieved_bandwidth = 8e9;
    row.speed.read_bandwidth = 16e9;
    row.speed.typical_read_bandwidth = 12e9;
    row.speed.read_buffer_bytes = int64_t{1} << 30;
    row.speed.bandwidth_share = 0.5;
    report.rows.push_back(row);
  }
  return report;
}

TEST(BenchReport, TableSaysSpeedShareAndBound) {
  const std::string text = render(two_rows(), BenchFormat::kTable);
  EXPECT_THAT(text, HasSubstr("100.00 ± 10.00"));
  EXPECT_THAT(text, HasSubstr(" 50 %"));
  EXPECT_THAT(text, HasSubstr("\nbound: 16.00 GB/s read by 2 threads, 12.00 half of the time\n"));
  EXPECT_THAT(render(two_rows(), BenchFormat::kMarkdown), HasSubstr("| 100.00 ± 10.00 |"));
}

TEST(BenchReport, SaysWhenTheBoundIsOfLittleMemoryOrNone) {
  BenchReport report = two_rows();
  for (BenchRow& row : report.rows) row.speed.read_buffer_bytes = 64'000'000;
  EXPECT_THAT(render(report, BenchFormat::kTable), HasSubstr("on 64.0 MB only as memory is short"));
  for (BenchRow& row : report.rows) row.speed.read_bandwidth = row.speed.bandwidth_share = 0;
  EXPECT_THAT(render(report, BenchFormat::kTable), HasSubstr("bound: not measured"));
}

TEST(BenchReport, EnergyIsToldOrSaidToBeUnavailable) {
  BenchReport report = two_rows();
  EXPECT_THAT(render(report, BenchFormat::kTable), HasSubstr("\nenergy: unavailable\n"));
  for (BenchRow& row : report.rows) row.speed.prompt_joules_per_token = row.speed.generate_joules_per_token = 0.25;
  EXPECT_THAT(render(report, BenchFormat::kTable), HasSubstr("0.25 J a generated one"));
}

/// Two threads for one second: one op takes 1.5 of the 2 thread seconds, moves 3 GB and so 4 GB/s; 10 tokens.
TEST(BenchReport, ProfileTellsSharesRatesAndWhatIsBetween) {
  BenchReport report = two_rows();
  const PhaseProfile phase{1.0, 2, 10, {{"linear Q4_K", 7, 1.5, 3e9, 0}}};
  report.rows.back().profile = Profile{phase, phase};
  const std::string text = render(report, BenchFormat::kTable);
  EXPECT_THAT(text, HasSubstr("linear Q4_K   75.0 %      7   75.0000   4.0\n"));
  EXPECT_THAT(text, HasSubstr("between ops   25.0 %          25.0000\n"));
  EXPECT_THAT(render(report, BenchFormat::kMarkdown), HasSubstr("| linear Q4_K | 75.0 % | 7 | 75.0000 | 4.0 |  |"));
  const auto row = nlohmann::json::parse(render(report, BenchFormat::kJson)).at(1);
  EXPECT_EQ(row["profile"]["generate"]["ops"][0]["op"], "linear Q4_K");
  EXPECT_DOUBLE_EQ(row["profile"]["prompt"]["between_ops_thread_seconds"], 0.5);
  const std::string page = render(report, BenchFormat::kHtml);
  EXPECT_THAT(page, HasSubstr("<td>linear Q4_K</td>"));
}

TEST(BenchReport, JsonIsAnObjectACaseAndNoArrayRoundOne) {
  BenchReport report = two_rows();
  const auto two = nlohmann::json::parse(render(report, BenchFormat::kJson));
  ASSERT_TRUE(two.is_array());
  EXPECT_EQ(two.at(1).at("batch"), 8);
  EXPECT_EQ(two.at(1).at("bytes_per_token"), 100'000'000);  // the weights serve eight sequences
  report.rows.pop_back();
  const auto one = nlohmann::json::parse(render(report, BenchFormat::kJson));
  EXPECT_EQ(one.at("prompt_tokens_per_s"), 100);
  EXPECT_EQ(one.at("spread").at("generate_tokens_per_s").at("high"), 11);
  EXPECT_EQ(one.at("model"), "a,\"b\"<c>.gguf");
}

TEST(BenchReport, CsvHasOneHeadQuotesAndDottedColumns) {
  const std::string text = render(two_rows(), BenchFormat::kCsv);
  EXPECT_THAT(text, ::testing::StartsWith("model,isa,threads,"));
  EXPECT_THAT(text, HasSubstr(",spread.prompt_tokens_per_s.low,"));
  EXPECT_THAT(text, HasSubstr("\r\n\"a,\"\"b\"\"<c>.gguf\",avx2,2,"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_EQ(csv(nlohmann::ordered_json::parse("[{\"a\":null,\"b\":{\"c\":1}}]")), "a,b.c\r\n,1\r\n");
}

TEST(BenchReport, HtmlIsOnePageWithBarsAndNothingFromElsewhere) {
  const std::string page = render(two_rows(), BenchFormat::kHtml);
  EXPECT_THAT(page, HasSubstr("a,&quot;b&quot;&lt;c>.gguf"));
  EXPECT_THAT(page, HasSubstr("<rect"));
  EXPECT_THAT(page, HasSubstr("class=\"limit\""));
  EXPECT_THAT(page, HasSubstr("2t, 8 x (0 + 512 + 128)"));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

}  // namespace
}  // namespace adder
