#include "run/hub/partial_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "core/base/atomic_file.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

/// `printf 'hello\n' | sha256sum`
const RemoteFile kHello = {"hello.txt", 6, DigestKind::kSha256,
                           "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"};

Status go_on() {
  return {};
}
std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class PartialFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / fmt::format("adder-partial-{}", getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  Result<PartialFile> open() { return PartialFile::open(partial(), kHello, go_on); }
  fs::path partial() const { return folder_ / "partial"; }
  fs::path target() const { return folder_ / "hello.txt"; }

  fs::path folder_;
};

TEST_F(PartialFileTest, GoesOnWhereTheLastOneEnded) {
  {
    auto first = open();
    ASSERT_TRUE(first) << first.error().message();
    ASSERT_TRUE(first->append(bytes("hel")));
  }
  EXPECT_EQ(read_file(partial()).value(), "hel");
  auto second = open();
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(second->size(), 3u);
  EXPECT_FALSE(second->is_whole());
  ASSERT_TRUE(second->append(bytes("lo\n")));
  EXPECT_TRUE(second->is_whole());
  EXPECT_TRUE(second->verify().value());
  EXPECT_FALSE(fs::exists(target()));
  ASSERT_TRUE(second->publish(target()));
  EXPECT_EQ(read_file(target()).value(), "hello\n");
  EXPECT_FALSE(fs::exists(partial()));
}

TEST_F(PartialFileTest, AWrongDigestThrowsAllAway) {
  auto file = open();
  ASSERT_TRUE(file->append(bytes("hellO\n")));
  EXPECT_FALSE(file->verify().value());
  EXPECT_EQ(file->size(), 0u);
  EXPECT_EQ(fs::file_size(partial()), 0u);
  ASSERT_TRUE(file->append(bytes("hello\n")));
  EXPECT_TRUE(file->verify().value());
}

TEST_F(PartialFileTest, NothingBeyondTheEndIsTaken) {
  auto file = open();
  ASSERT_TRUE(file->append(bytes("hello")));
  EXPECT_EQ(file->append(bytes("\nworld")).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(fs::file_size(partial()), 5u);
  ASSERT_TRUE(write_file(partial(), "hello\nworld"));
  EXPECT_EQ(open()->size(), 0u);
}

TEST_F(PartialFileTest, LinksAndOtherThingsAreRefused) {
  ASSERT_TRUE(write_file(folder_ / "elsewhere", "precious"));
  fs::create_symlink(folder_ / "elsewhere", partial());
  EXPECT_EQ(open().error().code(), ErrorCode::kIo);
  EXPECT_EQ(read_file(folder_ / "elsewhere").value(), "precious");
  fs::remove(partial());
  fs::create_directory(partial());
  EXPECT_EQ(open().error().code(), ErrorCode::kIo);
}

TEST_F(PartialFileTest, ReadingCanBeStopped) {
  ASSERT_TRUE(write_file(partial(), "hel"));
  const auto file = PartialFile::open(partial(), kHello, []() -> Status { return Error::cancelled("enough"); });
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(read_file(partial()).value(), "hel");
}

TEST_F(PartialFileTest, HasDigestIsForWholeRightFilesOnly) {
  const fs::path path = folder_ / "file";
  EXPECT_FALSE(has_digest(path, kHello, go_on).value());
  for (const auto& [text, right] : {std::pair("hello\n", true), {"hello", false}, {"hellO\n", false}, {"", false}}) {
    ASSERT_TRUE(write_file(path, text));
    EXPECT_EQ(has_digest(path, kHello, go_on).value(), right) << text;
  }
}

}  // namespace
}  // namespace adder
