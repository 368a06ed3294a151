#include "apps/model_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "apps/exit_status.h"
#include "core/base/atomic_file.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

/// A folder with an installed tree (usr/bin/adder beside usr/share/adder) and a source tree, both without models.
class BuiltInModel : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / fmt::format("adder-model-path-{}", getpid());
    fs::create_directories(root_ / "usr/share/adder/models");
    fs::create_directories(root_ / "source/models");
  }
  void TearDown() override { fs::remove_all(root_); }

  fs::path put(const fs::path& place) {
    EXPECT_TRUE(write_file(root_ / place, "x"));
    return root_ / place;
  }
  Result<fs::path> find(const char* from_environment = nullptr) {
    return find_builtin_model(from_environment, root_ / "usr/bin/adder", root_ / "source");
  }

  fs::path root_;
};

TEST_F(BuiltInModel, InstalledBeforeSource) {
  const fs::path source = put("source/models/seedling.gguf");
  EXPECT_EQ(find().value(), source);
  const fs::path installed = put("usr/share/adder/models/seedling.gguf");
  EXPECT_EQ(find().value(), installed);
}

TEST_F(BuiltInModel, TheEnvironmentComesFirstAndMustBeRight) {
  put("source/models/seedling.gguf");
  const fs::path other = put("other.gguf");
  EXPECT_EQ(find(other.c_str()).value(), other);
  EXPECT_EQ(find("").value(), root_ / "source/models/seedling.gguf");
  EXPECT_EQ(find("/nowhere/at/all.gguf").error().code(), ErrorCode::kNotFound);
}

TEST_F(BuiltInModel, WithoutOneTheErrorSaysHowToMakeOne) {
  const auto found = find();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(found.error().message(), testing::HasSubstr("adder synth --preset tiny"));
}

TEST(ExitStatus, IsWhatTheHelpPromises) {
  EXPECT_EQ(exit_status(ErrorCode::kIo), 1);
  EXPECT_EQ(exit_status(ErrorCode::kUsage), 2);
  EXPECT_EQ(exit_status(ErrorCode::kNotFound), 3);
  EXPECT_EQ(exit_status(ErrorCode::kCorrupt), 4);
  EXPECT_EQ(exit_status(ErrorCode::kUnsupported), 5);
  EXPECT_EQ(exit_status(ErrorCode::kTooLarge), 6);
  EXPECT_EQ(exit_status(ErrorCode::kCancelled), 130);
}

}  // namespace
}  // namespace adder
