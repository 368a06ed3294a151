#include "make/eval/solve.h"

#include <gmock/gmock.h>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "run/engine/chain_model_for_test.h"

namespace adder {
namespace {

using testing::expect_error;

using ::testing::HasSubstr;

TEST(Solve, CountsWhatIsRightToTheLetterAndEndsThere) {
  const testing::TempDir dir;
  ASSERT_TRUE(write_chain_model(dir / "chain.gguf",
                                {{'a', 'b'}, {'b', '\n'}, {'c', ' '}, {' ', 'd'}, {'d', '\n'}, {'e', 'f'}, {'f', 'f'}},
                                tiny_vocabulary()));
  const auto engine = Engine::open(dir / "chain.gguf", {.threads = 1}).value();
  const std::vector<Problem> problems = {
      {"recall", 0, "xa", "b"},     // right
      {"recall", 0, "xa", "c"},     // wrong
      {"recall", 2, "c ", "d"},     // right: the space is the model's to say
      {"counting", 1, "e", "f"},    // goes on
      {"counting", 1, "a", "b\n"},  // an answer with a line of its own must end there too
  };
  std::vector<double> done;
  const auto report = solve(*engine, problems, [&](double share) -> Status {
    done.push_back(share);
    return {};
  });
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(done, (std::vector<double>{0.2, 0.4, 0.6, 0.8, 1}));
  const auto json = report->to_json();
  EXPECT_EQ(json["asked"], 5);
  EXPECT_EQ(json["right"], 2);
  EXPECT_EQ(json["by_level"][0],
            (nlohmann::ordered_json{{"task", "recall"}, {"level", 0}, {"asked", 2}, {"right", 1}}));
  EXPECT_EQ(json["by_level"][2],
            (nlohmann::ordered_json{{"task", "counting"}, {"level", 1}, {"asked", 2}, {"right", 0}}));
  EXPECT_THAT(report->to_text(), HasSubstr("recall             50     100\n"));
  EXPECT_THAT(report->to_text(), HasSubstr("all: 2 of 5, 40.0 ± 21.9 %"));
}

TEST(Solve, StopsWhereItIsToldTo) {
  const testing::TempDir dir;
  ASSERT_TRUE(write_chain_model(dir / "chain.gguf", {}, tiny_vocabulary()));
  const auto engine = Engine::open(dir / "chain.gguf", {.threads = 1}).value();
  const std::vector<Problem> problems(3, {"recall", 0, "a", "b"});
  expect_error(solve(*engine, problems, [](double) -> Status { return Error::cancelled("enough"); }),
               ErrorCode::kCancelled, "enough");
}

}  // namespace
}  // namespace adder
