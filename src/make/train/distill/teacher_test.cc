#include "make/train/distill/teacher.h"

#include <gmock/gmock.h>

#include "core/formats/json.h"
#include "make/train/distill/files_for_test.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

/// A teacher of small_config, hidden states of 24, and two windows of 16 tokens.
class TeacherWithCache : public ::testing::TestWithParam<int64_t> {
 protected:
  TeacherWithCache() {
    recipe_.kd = recipe_.temperature = 1;
    recipe_.top_k = GetParam();
    torch::manual_seed(3);
    micro_.tokens = at::randint(0, 280, {2, 16}, torch::kInt64);
    micro_.starts = at::zeros({2, 16}, torch::kBool);
    micro_.starts[1][5] = true;
  }
  Teacher teacher(const fs::path& cache) const { return Teacher::open(params_, recipe_, {.chunk = 8}, cache).value(); }
  /// The tensors that are kept of a window of this teacher.
  std::vector<torch::Tensor> blank() const {
    if (GetParam() == 0) return {at::zeros({16, 24})};
    return {at::zeros({16, GetParam()}, torch::kInt32), at::zeros({16, GetParam()}), at::zeros({16})};
  }
  static fs::path only_file(const fs::path& folder) {
    fs::path found;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file() && entry.path().filename() != "teacher.json") found = entry.path();
    }
    return found;
  }

  testing::TempDir dir_;
  std::shared_ptr<const Parameters> params_ =
      std::make_shared<const Parameters>(test::random_parameters(test::small_config("M-*")));
  TeacherRecipe recipe_;
  MicroBatch micro_;
};

void expect_same(const TeacherRows& a, const TeacherRows& b) {
  ASSERT_EQ(a.is_top(), b.is_top());
  if (!a.is_top()) {
    EXPECT_TRUE(a.hidden.equal(b.hidden));
    EXPECT_TRUE(a.head.equal(b.head));
    return;
  }
  EXPECT_TRUE(a.top_ids.equal(b.top_ids));
  EXPECT_TRUE(a.top_log_p.equal(b.top_log_p));
  EXPECT_TRUE(a.rest_log_p.equal(b.rest_log_p));
}

TEST_P(TeacherWithCache, SaysTheSameAgain) {
  const TeacherRows plain = teacher({}).taught(micro_);
  expect_same(teacher(dir_ / "kept").taught(micro_), plain);
  expect_same(teacher(dir_ / "kept").taught(micro_), plain);

  // A window is known by its text, alone or beside another.
  MicroBatch second;
  second.tokens = micro_.tokens.narrow(0, 1, 1);
  second.starts = micro_.starts.narrow(0, 1, 1);
  const TeacherRows alone = teacher(dir_ / "kept").taught(second);
  if (GetParam() == 0) {
    EXPECT_TRUE(alone.hidden.equal(plain.hidden.narrow(0, 16, 16)));
  } else {
    EXPECT_TRUE(alone.top_log_p.equal(plain.top_log_p.narrow(0, 16, 16)));
  }
}

TEST_P(TeacherWithCache, IsNotAskedForWhatIsKept) {
  const Teacher asked = teacher(dir_ / "kept");  // before there is anything else in the folder
  const auto cache =
      TeacherCache::open(dir_ / "kept", parse_json(*read_file(dir_ / "kept" / "teacher.json"), "").value());
  ASSERT_TRUE(cache) << cache.error().message();
  for (int64_t i = 0; i < 2; ++i) (*cache)->keep(TeacherCache::name_of(micro_.tokens[i], micro_.starts[i]), blank());
  const TeacherRows rows = asked.taught(micro_);
  EXPECT_TRUE((GetParam() == 0 ? rows.hidden : rows.top_log_p).eq(0).all().item<bool>());
  // Judged by all of it: of a teacher that teaches its likeliest tokens only, that is not what was kept.
  EXPECT_EQ(asked.all(micro_).hidden.eq(0).all().item<bool>(), GetParam() == 0);
}

TEST_P(TeacherWithCache, SaysAgainWhatIsSpoilt) {
  const TeacherRows plain = teacher({}).taught(micro_);
  const Teacher asked = teacher(dir_ / "kept");
  (void)asked.taught(micro_);
  const fs::path file = only_file(dir_ / "kept");
  const std::string good = *read_file(file);
  std::string flipped = good;
  flipped[40] = static_cast<char>(flipped[40] ^ 4);
  for (const std::string& bad : {flipped, good.substr(0, good.size() - 1), good + "x", std::string()}) {
    ASSERT_TRUE(write_file(file, bad));
    expect_same(asked.taught(micro_), plain);
    EXPECT_EQ(*read_file(file), good);
  }
}

TEST_P(TeacherWithCache, GoesOnWhereNothingCanBeWritten) {
  const Teacher asked = teacher(dir_ / "kept");
  const std::string name = TeacherCache::name_of(micro_.tokens[0], micro_.starts[0]);
  ASSERT_TRUE(write_file(dir_ / "kept" / name.substr(0, 2), "a file where a folder should be"));
  ::testing::internal::CaptureStderr();
  expect_same(asked.taught(micro_), teacher({}).taught(micro_));
  expect_same(asked.taught(micro_), teacher({}).taught(micro_));
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, ::testing::HasSubstr("going on without keeping"));
  EXPECT_EQ(said.find("going on"), said.rfind("going on"));
}

TEST_P(TeacherWithCache, AFolderIsOfOneTeacher) {
  (void)teacher(dir_ / "kept");
  const auto other = std::make_shared<const Parameters>(test::random_parameters(test::small_config("M-*"), 12));
  const auto refused = Teacher::open(other, recipe_, {.chunk = 8}, dir_ / "kept");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), ::testing::HasSubstr("keeps what another teacher says"));
}

INSTANTIATE_TEST_SUITE_P(Forms, TeacherWithCache, ::testing::Values(0, 20),
                         [](const auto& form) { return form.param == 0 ? "HiddenStates" : "LikeliestTokens"; });

}  // namespace
}  // namespace adder
