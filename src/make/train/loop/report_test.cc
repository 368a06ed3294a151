#include "make/train/loop/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/atomic_file.h"
#include "make/train/loop/metrics.h"

namespace adder {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Report, IsOnePageWithTheCurvesAndNothingFromElsewhere) {
  const std::filesystem::path directory = testing::TempDir();
  const auto path = directory / "report.jsonl";
  std::filesystem::remove(path);
  const Metrics metrics(path);
  for (int step = 10; step <= 30; step += 10) {
    ASSERT_TRUE(
        metrics.append({{"kind", "step"}, {"step", step}, {"tokens", step * 1000}, {"loss", 5.0 - 0.1 * step}}));
  }
  ASSERT_TRUE(
      metrics.append({{"kind", "held_out"}, {"step", 30}, {"tokens", 30000}, {"loss", 4.5}, {"bits_per_byte", 1.75}}));
  const Status written = write_report(path, directory / "report.html", "a <run>");
  ASSERT_TRUE(written) << written.error().message();
  const std::string page = read_file(directory / "report.html").value();
  EXPECT_THAT(page, HasSubstr("a &lt;run>"));
  EXPECT_THAT(page, HasSubstr("<polyline"));
  EXPECT_THAT(page, HasSubstr("held-out sample 1.75"));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(Metrics, ARepeatedStepCountsAsWrittenLastAndABrokenLineIsSkipped) {
  const auto path = std::filesystem::path(testing::TempDir()) / "repeated.jsonl";
  ASSERT_TRUE(
      write_file(path,
                 "{\"kind\":\"step\",\"step\":1,\"loss\":3}\n{\"kind\":\"step\",\"step\":2,\"loss\":2}\n"
                 "{\"kind\":\"step\",\"step\":1,\"loss\":4}\n{\"kind\":\"held_out\",\"step\":1}\n{\"kind\":\"st"));
  const auto steps = Metrics(path).read("step");
  ASSERT_TRUE(steps);
  ASSERT_EQ(steps->size(), 2u);
  EXPECT_EQ(steps->at(1)["loss"], 4);
}

}  // namespace
}  // namespace adder
