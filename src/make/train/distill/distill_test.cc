#include "make/train/distill/distill.h"

#include <gmock/gmock.h>

#include "make/train/distill/files_for_test.h"
#include "make/train/distill/parent.h"

namespace adder {
namespace {

using test::replaced;
using test::small_config;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

const std::string kRecipe = std::string(R"(
name = "small"
[data]
held_out = [7]
first_sample = 0
weights = [3, 1]
[second_stage]
seq_len = 32
batch = 2
micro_batch = 1
warmup_steps = 1
total_steps = 6
rate = 0.5
[teacher]
kd = 1.0
ce = 0.0
temperature = 1.0
top_k = 0
correction_steps = 0
correction_rate = 0
[student]
init = "random"
init_std = 0.1
)") + test::run_tables("5e-3", 30);

class Distill : public ::testing::Test {
 protected:
  void SetUp() override {
    test::write_books(dir_ / "prose", "The rat ran and the cat sat on page");
    test::write_books(dir_ / "tables", "one two three four five six seven");
    test::write_model(test::random_parameters(small_config("M-*")), dir_ / "teacher.gguf");
    test::write_model(test::random_parameters(small_config("M*", 16), 12), dir_ / "student.gguf");
  }
  DistillOptions options(const std::string& work, const std::string& recipe = kRecipe) {
    const fs::path path = dir_ / (work + ".toml");
    EXPECT_TRUE(write_file(path, recipe));
    DistillOptions o;
    o.work = dir_ / work;
    o.threads = 1;
    o.recipe.path = path;
    o.teacher = dir_ / "teacher.gguf";
    o.student = dir_ / "student.gguf";
    o.data = {dir_ / "prose", dir_ / "tables"};
    o.out = dir_ / (work + ".gguf");
    return o;
  }
  Status run(const DistillOptions& o) { return distill(o, never_); }
  std::map<int64_t, nlohmann::json> judged(const std::string& work, const std::string& part) {
    return Metrics(dir_ / work / part / "metrics.jsonl").read("held_out").value();
  }

  testing::TempDir dir_;
  std::atomic<bool> never_{false};
};

void expect_same_weights(const fs::path& a, const fs::path& b, double tolerance = 0) {
  const Parameters x = Parent::open(a).value().weights(torch::kCPU).value();
  const Parameters y = Parent::open(b).value().weights(torch::kCPU).value();
  for (size_t i = 0; i < x.values().size(); ++i)
    EXPECT_TRUE(x.values()[i].allclose(y.values()[i], tolerance, tolerance)) << i;
}

TEST_F(Distill, TwoStagesBringTheStudentNearerAndStoppedOnesGoOnToTheBit) {
  const Status whole = run(options("whole"));
  ASSERT_TRUE(whole) << whole.error().message();
  const double first = judged("whole", "stage-1").at(30)["kl"], second = judged("whole", "stage-2").at(6)["kl"];
  EXPECT_LT(second, first);
  const Parent student = Parent::open(dir_ / "whole.gguf").value();
  EXPECT_EQ(student.config().pattern(), "M*");

  DistillOptions parts = options("parts");
  parts.steps = 7;
  ASSERT_TRUE(run(parts));
  EXPECT_FALSE(fs::exists(parts.out));
  parts.steps = 0;
  ASSERT_TRUE(run(parts));
  expect_same_weights(dir_ / "whole.gguf", dir_ / "parts.gguf");
}

TEST_F(Distill, JudgesWhereTheRecipeAsksAndKeepsIt) {
  DistillOptions o = options("judged");
  o.recipe.changes = {"judge.at=[0, 3]", "data.first_sample=8", "second_stage.total_steps=0", "teacher.kd=0",
                      "teacher.ce=1"};
  const Status status = run(o);
  ASSERT_TRUE(status) << status.error().message();
  const auto points = judged("judged", "stage-1");
  ASSERT_EQ(points.size(), 3u);  // and at the end
  EXPECT_EQ(points.at(0)["tokens"], 8 * 16);
  EXPECT_EQ(points.at(3)["tokens"], (8 + 3 * 4) * 16);
  EXPECT_GT(points.at(0)["loss"], points.at(30)["loss"]);
  EXPECT_GT(points.at(30)["accuracy"], 0);
  EXPECT_GT(points.at(30)["kl"], 0);  // the teacher is heard where it does not teach
  const auto run_of = Metrics(dir_ / "judged" / "stage-1" / "metrics.jsonl").read("run").value();
  EXPECT_EQ(run_of.at(0)["first_token"], 8 * 16);
  EXPECT_EQ(run_of.at(0)["end"], (8 + 30 * 4) * 16);
  EXPECT_EQ(run_of.at(0)["judged_at"], (std::vector<int64_t>{8 * 16, (8 + 3 * 4) * 16}));
  EXPECT_EQ(read_recipe_as<DistillRecipe>({dir_ / "judged" / "recipe.toml"})->first_sample, 8);
}

TEST_F(Distill, ACorrectedTeacherTeaches) {
  std::string recipe = replaced(kRecipe, "correction_steps = 0", "correction_steps = 10");
  recipe = replaced(recipe, "correction_rate = 0", "correction_rate = 0.2");
  recipe = replaced(recipe, "total_steps = 6", "total_steps = 0");
  ASSERT_TRUE(run(options("corrected", recipe)));
  const auto teacher = judged("corrected", "teacher");
  EXPECT_EQ(teacher.rbegin()->first, 10);
  EXPECT_TRUE(fs::exists(dir_ / "corrected.gguf"));
  EXPECT_FALSE(fs::exists(dir_ / "corrected" / "stage-2"));
}

TEST_F(Distill, WhatTheTeacherSaidBeforeMakesTheSameStudent) {
  for (const char* top_k : {"teacher.top_k=0", "teacher.top_k=20"}) {
    DistillOptions asked = options("asked"), first = options("first"), second = options("second");
    for (DistillOptions* o : {&asked, &first, &second}) {
      o->recipe.changes = {top_k, "second_stage.total_steps=0"};
      fs::remove_all(o->work);
    }
    first.teacher_cache = second.teacher_cache = dir_ / top_k;
    for (const DistillOptions* o : {&asked, &first, &second}) ASSERT_TRUE(run(*o));
    expect_same_weights(asked.out, first.out);
    expect_same_weights(asked.out, second.out);
    EXPECT_TRUE(fs::exists(first.teacher_cache / "teacher.json"));
  }
  DistillOptions other = options("other");
  other.recipe.changes = {"teacher.top_k=21"};
  other.teacher_cache = dir_ / "teacher.top_k=20";
  const Status status = run(other);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), HasSubstr("keeps what another teacher says"));
}

TEST_F(Distill, AStudentFromItsFileBeginsThereAndSaysSo) {
  const std::string recipe =
      replaced(replaced(kRecipe, "\"random\"", "\"file\""), "learning_rate = 5e-3", "learning_rate = 0");
  ASSERT_TRUE(run(options("still", replaced(recipe, "weight_decay = 0.1", "weight_decay = 0"))));
  expect_same_weights(dir_ / "still.gguf", dir_ / "student.gguf", 1e-6);  // A is not A_log
  const auto receipt = read_receipt(*Parent::open(dir_ / "still.gguf").value().model.file).value();
  ASSERT_EQ(receipt->steps.size(), 4u);
  EXPECT_EQ(receipt->steps[0].recipe, "made for a test");
  EXPECT_THAT(receipt->steps[2].recipe, HasSubstr("distill small"));
  EXPECT_FALSE(receipt->steps[2].source.empty());
}

TEST_F(Distill, NamesWhatIsWrong) {
  const auto refusal = [&](const std::string& from, const std::string& to) {
    const Status status = run(options("wrong", replaced(kRecipe, from, to)));
    EXPECT_FALSE(status) << to;
    return status ? "" : status.error().message();
  };
  EXPECT_THAT(refusal("kd = 1.0", "kd = 1.0\nkl = 2"), HasSubstr("'teacher.kl' is no key"));
  EXPECT_THAT(refusal("kd = 1.0", "kd = 0"), HasSubstr("are both 0"));
  EXPECT_THAT(refusal("top_k = 0", "top_k = 281"), HasSubstr("at most the 280 tokens"));
  EXPECT_THAT(refusal("seq_len = 32", "seq_len = 33"), HasSubstr("multiple of train.chunk"));
  EXPECT_THAT(refusal("[3, 1]", "[3]"), HasSubstr("1 weights for 2 folders"));
  EXPECT_THAT(refusal("[7]", "[8]"), HasSubstr("held-out book 8 is in no folder"));

  DistillOptions o = options("nan", replaced(kRecipe, "learning_rate = 5e-3", "learning_rate = 1e30"));
  const Status status = run(o);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), HasSubstr("samples"));
}

TEST(DistillRecipe, TheOnesThatComeWithAdderAreWhole) {
  for (const char* path : {"recipes/elastic/laptop-distill.toml", "recipes/elastic/nano-4b-distill.toml",
                           "recipes/study/mini/distill.toml"}) {
    const auto recipe = read_recipe_as<DistillRecipe>({path});
    EXPECT_TRUE(recipe) << recipe.error().message();
  }
}

TEST_F(Distill, ADryRunTouchesNothing) {
  DistillOptions o = options("dry");
  o.dry_run = true;
  ASSERT_TRUE(run(o));
  EXPECT_FALSE(fs::exists(o.work));
}

}  // namespace
}  // namespace adder
