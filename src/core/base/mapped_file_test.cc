#include "core/base/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using testing::expect_error;
using testing::TempDir;

std::string text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(MappedFile, ShowsTheBytesAsLongAsItLives) {
  const TempDir dir;
  dir.put("a", "some bytes");
  auto file = MappedFile::open(dir / "a");
  ASSERT_TRUE(file);
  std::filesystem::remove(dir / "a");
  MappedFile moved = std::move(*file);
  EXPECT_EQ(text_of(moved), "some bytes");
  EXPECT_TRUE(file->bytes().empty());
  MappedFile target;
  target = std::move(moved);
  EXPECT_EQ(text_of(target), "some bytes");
}

TEST(MappedFile, ReleasedPagesComeBackFromTheFile) {
  const TempDir dir;
  std::string text(40'000, ' ');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  dir.put("a", text);
  const auto file = MappedFile::open(dir / "a").value();
  ASSERT_EQ(text_of(file), text);
  const auto all = file.bytes();
  for (const auto part : {all, all.subspan(5000, 20'000), all.subspan(100, 50), all.subspan(40'000)}) {
    file.release_pages(part);
    EXPECT_EQ(text_of(file), text);
  }
  // What lies elsewhere is not this file's to give back.
  std::vector<std::byte> own(40'000, std::byte{7});
  file.release_pages(own);
  EXPECT_EQ(own, std::vector<std::byte>(40'000, std::byte{7}));
  MappedFile().release_pages(own);
}

TEST(MappedFile, AnEmptyFileIsNoError) {
  const TempDir dir;
  dir.put("empty", "");
  const auto file = MappedFile::open(dir / "empty");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->bytes().empty());
}

TEST(MappedFile, FollowsLinks) {
  const TempDir dir;
  dir.put("a", "x");
  std::filesystem::create_symlink("a", dir / "link");
  EXPECT_EQ(text_of(MappedFile::open(dir / "link").value()), "x");
}

TEST(MappedFile, RefusesWhatIsNoRegularFile) {
  const TempDir dir;
  dir.put("file", "x");
  ASSERT_EQ(mkfifo((dir / "fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere", dir / "dangling");
  expect_error(MappedFile::open(dir / "missing"), ErrorCode::kNotFound, "missing", "no such file");
  expect_error(MappedFile::open(dir / "dangling"), ErrorCode::kNotFound, "dangling");
  expect_error(MappedFile::open(dir / "file" / "below"), ErrorCode::kIo, "below");
  expect_error(MappedFile::open(dir.path()), ErrorCode::kIo, "regular file");
  expect_error(MappedFile::open(dir / "fifo"), ErrorCode::kIo, "fifo", "regular file");  // and does not wait
  expect_error(MappedFile::open("/dev/zero"), ErrorCode::kIo, "regular file");
  expect_error(MappedFile::open(""), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace adder
