#include "make/eval/base_logits.h"

#include <gmock/gmock.h>

#include <cmath>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;
using testing::TempDir;

constexpr int64_t kVocabulary = 3;
const std::vector<Window> kWindows = {{{1, 2, 0, 1, 2}, 2}, {{2, 2, 2, 0, 1}, 2}};

std::string file_of(const TempDir& dir, const std::vector<std::vector<float>>& rows) {
  auto writer = BaseLogitsWriter::create(dir / "x.kld", kWindows, kVocabulary);
  EXPECT_TRUE(writer);
  for (const auto& row : rows) EXPECT_TRUE(writer->add(row));
  EXPECT_TRUE(writer->finish());
  return read_file(dir / "x.kld").value();
}

const std::vector<float> kEven = {0, 0, 0};
/// e^-1, 1, e^-20 over their sum; the third is stored as e^-16.
const std::vector<float> kUneven = {4, 5, -15};

TEST(BaseLogits, AreWrittenAsLlamaPerplexityReadsThem) {
  const TempDir dir;
  const std::string file = file_of(dir, {kUneven, kEven, kEven, kEven});
  const auto i32 = [&](size_t at) { return *reinterpret_cast<const int32_t*>(&file[at]); };
  const auto f32 = [&](size_t at) { return *reinterpret_cast<const float*>(&file[at]); };
  const auto u16 = [&](size_t at) { return *reinterpret_cast<const uint16_t*>(&file[at]); };
  EXPECT_EQ(file.substr(0, 8), "_logits_");
  EXPECT_EQ(i32(8), 5);
  EXPECT_EQ(i32(12), 3);
  EXPECT_EQ(i32(16), 2);
  EXPECT_EQ(i32(20), 1);
  EXPECT_EQ(i32(20 + 4 * 9), 1);
  const size_t rows = 20 + 4 * 10;
  ASSERT_EQ(file.size(), rows + 4 * (8 + 2 * 4)) << "a row of three numbers is stored as of four";
  EXPECT_FLOAT_EQ(f32(rows), 16.0f / 65535);
  EXPECT_NEAR(f32(rows + 4), -16 - std::log(1 + std::exp(-1)), 1e-5);
  EXPECT_EQ(u16(rows + 8), 61439) << "15/16 of 65535";
  EXPECT_EQ(u16(rows + 10), 65535);
  EXPECT_EQ(u16(rows + 12), 0);
  EXPECT_EQ(f32(rows + 16), 0);
  EXPECT_NEAR(f32(rows + 20), -std::log(3.0), 1e-6);
}

TEST(BaseLogits, ComeBack) {
  const TempDir dir;
  file_of(dir, {kUneven, kEven, kEven, kUneven});
  EXPECT_TRUE(BaseLogits::is_one(dir / "x.kld"));
  const BaseLogits base = BaseLogits::open(dir / "x.kld").value();
  EXPECT_EQ(base.vocabulary(), 3);
  EXPECT_THAT(base.windows(-1)[1].tokens, ElementsAre(2, 2, 2, 0, 1));
  EXPECT_THAT(base.windows(0)[1].tokens, ElementsAre(0, 2, 2, 0, 1));
  EXPECT_EQ(base.windows(0)[0].first_scored, 2);

  const RowDivergence same = base.compare(0, 0, kUneven, 1);
  EXPECT_NEAR(same.kl, 0, 1e-4);
  EXPECT_NEAR(same.parent.nll, std::log(1 + std::exp(-1)), 1e-4);
  EXPECT_NEAR(same.delta_p, 0, 1e-4);
  EXPECT_EQ(same.parent.top, 1);

  const RowDivergence moved = base.compare(1, 1, kEven, 0);
  const double p0 = std::exp(-1) / (1 + std::exp(-1)), p1 = 1 - p0;
  EXPECT_NEAR(moved.kl, p0 * std::log(3 * p0) + p1 * std::log(3 * p1), 1e-4);
  EXPECT_NEAR(moved.delta_p, 1 / 3.0 - p0, 1e-4);
  EXPECT_NEAR(moved.child.nll, std::log(3.0), 1e-6);
}

TEST(BaseLogits, RefuseWhatTheyCannotMean) {
  const TempDir dir;
  const std::string good = file_of(dir, {kEven, kEven, kEven, kEven});
  const auto open_changed = [&](size_t at, int32_t value) {
    std::string bad = good;
    bad.replace(at, 4, std::string_view(reinterpret_cast<const char*>(&value), 4));
    EXPECT_TRUE(write_file(dir / "bad", bad));
    return BaseLogits::open(dir / "bad");
  };
  for (const size_t at : {8u, 12u, 16u})
    for (const int32_t value : {0, -1, 2, 7, 1 << 23, INT32_MAX})
      if (at != 16 || value != 2) expect_error(open_changed(at, value), ErrorCode::kCorrupt, "bad");
  expect_error(open_changed(20 + 8, 3), ErrorCode::kCorrupt, "token 2 is 3");
  expect_error(open_changed(20 + 8, -1), ErrorCode::kCorrupt, "token 2 is -1");
  expect_error(open_changed(0, 7), ErrorCode::kUnsupported, "_logits_");
  EXPECT_TRUE(write_file(dir / "short", good.substr(0, good.size() - 1)));
  expect_error(BaseLogits::open(dir / "short"), ErrorCode::kCorrupt, "short");
  EXPECT_FALSE(BaseLogits::is_one(dir / "none"));

  std::vector<Window> overlapping = kWindows;
  overlapping[1].first_scored = 3;
  expect_error(BaseLogitsWriter::create(dir / "y", overlapping, 3), ErrorCode::kUsage, "second half");
}

TEST(BaseLogits, NumbersThatAreNoneAreNotHidden) {
  const TempDir dir;
  std::string file = file_of(dir, {kUneven, kEven, kEven, kEven});
  const float nan = NAN;
  file.replace(20 + 40 + 4, 4, std::string_view(reinterpret_cast<const char*>(&nan), 4));
  ASSERT_TRUE(write_file(dir / "nan", file));
  EXPECT_FALSE(std::isfinite(BaseLogits::open(dir / "nan").value().compare(0, 0, kEven, 0).kl));
}

}  // namespace
}  // namespace adder
