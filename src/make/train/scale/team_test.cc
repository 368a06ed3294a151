#include "make/train/scale/team.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>

#include "core/base/testing/expect_error.h"
#include "make/train/scale/teams_for_test.h"

namespace adder {
namespace {

using testing::expect_error;

using Values = std::map<std::string, std::string>;

/// The environment that torchrun makes, and the one before again.
class Environment {
 public:
  explicit Environment(const Values& values) : values_(values) {
    for (const auto& [key, value] : values_) ::setenv(key.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [key, value] : values_) ::unsetenv(key.c_str());
  }

 private:
  Values values_;
};

TEST(Place, IsAloneWithoutTorchrun) {
  const Place place = Place::from_environment().value();
  EXPECT_EQ(place.rank, 0);
  EXPECT_EQ(place.size, 1);
}

TEST(Place, IsWhatTorchrunSays) {
  const Environment environment(
      {{"RANK", "3"}, {"WORLD_SIZE", "8"}, {"MASTER_ADDR", "node7"}, {"MASTER_PORT", "1234"}});
  const Place place = Place::from_environment().value();
  EXPECT_EQ(place.rank, 3);
  EXPECT_EQ(place.size, 8);
  EXPECT_EQ(place.host, "node7");
  EXPECT_EQ(place.port, 1234);
}

TEST(Place, KeepsOffThePortThatTorchrunHolds) {
  const Environment environment(Values{{"MASTER_PORT", "1234"}, {"TORCHELASTIC_USE_AGENT_STORE", "True"}});
  EXPECT_EQ(Place::from_environment()->port, 1235);
}

TEST(Place, RefusesWhatIsNoPlace) {
  {
    const Environment environment(Values{{"WORLD_SIZE", "two"}});
    expect_error(Place::from_environment(), ErrorCode::kUsage, "WORLD_SIZE", "two");
  }
  {
    const Environment environment(Values{{"WORLD_SIZE", "2"}, {"RANK", "2"}});
    expect_error(Place::from_environment(), ErrorCode::kUsage, "WORLD_SIZE is 2", "RANK 2");
  }
  const Environment environment(Values{{"WORLD_SIZE", "2"}});
  expect_error(Place::from_environment(), ErrorCode::kUsage, "RANK not set");
}

TEST(Team, AloneDoesNothing) {
  const Team alone;
  const torch::Tensor x = at::arange(3, torch::kFloat32);
  alone.sum({&x, 1});
  alone.share({&x, 1}, 0);
  alone.wait();
  EXPECT_TRUE(x.equal(at::arange(3, torch::kFloat32)));
  EXPECT_EQ(alone.least(-7), -7);
  EXPECT_TRUE(alone.leads());
}

TEST(Team, AddsSharesAndAgrees) {
  constexpr int kSize = 3;
  test::run_team(kSize, [](const Team& team) {
    // More than one bucket, one of them a single tensor.
    const int64_t large = (int64_t{1} << 24) + 5;
    const float mine = static_cast<float>(team.rank() + 1);
    const std::vector<torch::Tensor> tensors = {at::full({2, 3}, mine), at::full({large}, mine), at::full({4}, mine)};
    team.sum(tensors);
    for (const torch::Tensor& t : tensors) EXPECT_TRUE(t.eq(6).all().item<bool>()) << team.rank();
    tensors[0].fill_(mine);
    tensors[2].fill_(-mine);
    team.share(tensors, 1);
    EXPECT_TRUE(tensors[0].eq(2).all().item<bool>() && tensors[2].eq(-2).all().item<bool>());
    EXPECT_EQ(team.least(10 - team.rank()), 8);
    EXPECT_EQ(team.leads(), team.rank() == 0);
  });
}

TEST(Team, ThoseWhoDoNotComeAreAnError) {
  expect_error(
      Team::join(
          {.rank = 1, .size = 2, .host = "127.0.0.1", .port = test::free_port(), .patience = std::chrono::seconds(1)}),
      ErrorCode::kIo, "process 1 of 2", "127.0.0.1");
}

}  // namespace
}  // namespace adder
