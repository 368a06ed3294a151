#include "core/base/atomic_file.h"

#include <gtest/gtest.h>

#include <utility>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using testing::expect_error;
using testing::TempDir;

int64_t files_in(const TempDir& dir) {
  return std::distance(std::filesystem::directory_iterator(dir.path()), {});
}

TEST(AtomicFile, AppearsWholeOnCommit) {
  const TempDir dir;
  auto file = AtomicFile::create(dir / "a");
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write("first "));
  ASSERT_TRUE(file->write("second"));
  EXPECT_EQ(file->bytes_written(), 12u);
  EXPECT_FALSE(std::filesystem::exists(dir / "a"));
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read_file(dir / "a").value(), "first second");
  EXPECT_EQ(files_in(dir), 1);
}

TEST(AtomicFile, DroppedItLeavesTheOldFileAndNoTrace) {
  const TempDir dir;
  dir.put("a", "old");
  {
    auto file = AtomicFile::create(dir / "a");
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("new"));
    EXPECT_EQ(files_in(dir), 2) << "the temporary lies beside the target";
  }
  EXPECT_EQ(read_file(dir / "a").value(), "old");
  EXPECT_EQ(files_in(dir), 1);
}

TEST(AtomicFile, ReplacesOnCommitAndNotBefore) {
  const TempDir dir;
  dir.put("a", "old");
  auto file = AtomicFile::create(dir / "a");
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write("new"));
  EXPECT_EQ(read_file(dir / "a").value(), "old");
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read_file(dir / "a").value(), "new");
}

TEST(AtomicFile, AFailedCommitLeavesNoTrace) {
  const TempDir dir;
  dir.put("folder/inside", "x");  // a file cannot be renamed onto a folder that is not empty
  {
    auto file = AtomicFile::create(dir / "folder");
    ASSERT_TRUE(file);
    expect_error(file->commit(), ErrorCode::kIo, "folder", "rename");
  }
  EXPECT_EQ(read_file(dir / "folder/inside").value(), "x");
  EXPECT_EQ(files_in(dir), 1);
}

TEST(AtomicFile, MovesCarryTheFileAlong) {
  const TempDir dir;
  auto a = AtomicFile::create(dir / "a"), b = AtomicFile::create(dir / "b");
  ASSERT_TRUE(a && b);
  ASSERT_TRUE(a->write("to a"));
  {
    AtomicFile moved = std::move(*a);
    *b = std::move(moved);  // what was begun for b is dropped with `moved`
  }
  ASSERT_TRUE(b->commit());
  EXPECT_EQ(read_file(dir / "a").value(), "to a");
  EXPECT_EQ(files_in(dir), 1);
}

TEST(AtomicFile, NamesThePathThatCannotBeWritten) {
  const TempDir dir;
  expect_error(AtomicFile::create(dir / "no/such/folder/a"), ErrorCode::kIo, "no/such/folder/a", "cannot create");
  expect_error(AtomicFile::create(dir / std::string(300, 'n')), ErrorCode::kIo, "cannot create");
  expect_error(write_file("/dev/null/a", "x"), ErrorCode::kIo, "/dev/null/a");
}

TEST(AtomicFile, OverwritesWhatIsThereAlready) {
  const TempDir dir;
  auto file = AtomicFile::create(dir / "a");
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write("size ???? of"));
  ASSERT_TRUE(file->overwrite(5, "1234"));
  ASSERT_TRUE(file->write(" many"));
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read_file(dir / "a").value(), "size 1234 of many");
}

TEST(AtomicFile, ReportsAFullDisk) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const TempDir dir;
  std::filesystem::create_symlink("/dev/full", dir / fmt::format(".a.adder-{}", ::getpid()));
  auto file = AtomicFile::create(dir / "a");  // follows the link that lies where its temporary goes
  ASSERT_TRUE(file);
  expect_error(file->write("x"), ErrorCode::kIo, "cannot write", "No space left");
}

TEST(MakeDirectory, MakesParentsAndLeavesWhatIsThere) {
  const TempDir dir;
  EXPECT_TRUE(make_directory(dir / "a/b"));
  dir.put("a/b/c", "x");
  EXPECT_TRUE(make_directory(dir / "a/b"));
  EXPECT_EQ(read_file(dir / "a/b/c").value(), "x");
  expect_error(make_directory(dir / "a/b/c/d"), ErrorCode::kIo, "a/b/c/d: cannot create the directory",
               "Not a directory");
}

TEST(ReadFile, KeepsToItsLimit) {
  const TempDir dir;
  dir.put("a", "12345");
  EXPECT_EQ(read_file(dir / "a", 5).value(), "12345");
  expect_error(read_file(dir / "a", 4), ErrorCode::kTooLarge, "5 bytes, at most 4");
  expect_error(read_file(dir / "b"), ErrorCode::kNotFound, "no such file");
}

}  // namespace
}  // namespace adder
