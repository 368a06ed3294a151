#include "run/hub/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run/hub/shared_library.h"

namespace adder {
namespace {

std::string digest(DigestKind kind, std::string_view text, size_t cut = 0) {
  auto stream = Digest::begin(kind, text.size());
  EXPECT_TRUE(stream) << stream.error().message();
  stream->update(std::as_bytes(std::span(text.substr(0, cut))));
  stream->update(std::as_bytes(std::span(text.substr(cut))));
  return stream->hex();
}

/// FIPS 180-2, appendix B.1.
TEST(Digest, Sha256) {
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  for (size_t cut = 0; cut <= 3; ++cut) EXPECT_EQ(digest(DigestKind::kSha256, "abc", cut), abc);
  EXPECT_EQ(digest(DigestKind::kSha256, ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/// `echo hello | git hash-object --stdin`, and Git's well-known empty blob.
TEST(Digest, GitBlob) {
  EXPECT_EQ(digest(DigestKind::kGitBlob, "hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(digest(DigestKind::kGitBlob, ""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST(Digest, KnowsTheFormOfItsKind) {
  EXPECT_TRUE(is_digest(DigestKind::kSha256, std::string(64, 'f')));
  EXPECT_TRUE(is_digest(DigestKind::kGitBlob, std::string(40, '0')));
  EXPECT_FALSE(is_digest(DigestKind::kSha256, std::string(40, '0')));
  EXPECT_FALSE(is_digest(DigestKind::kGitBlob, std::string(40, 'F')));
  EXPECT_FALSE(is_digest(DigestKind::kGitBlob, std::string(39, '0') + "/"));
}

TEST(SharedLibrary, SaysWhichPackageIsMissing) {
  const auto library = SharedLibrary::open({"libnowhere.so.1", "libnowhere.so.2"}, "libnowhere1");
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(library.error().message(), testing::AllOf(testing::HasSubstr("libnowhere.so.1"),
                                                        testing::HasSubstr("the Debian package libnowhere1")));
}

TEST(SharedLibrary, TakesTheFirstThatIsThereAndMissesSymbols) {
  const auto library = SharedLibrary::open({"libnowhere.so.1", "libc.so.6"}, "libc6");
  ASSERT_TRUE(library) << library.error().message();
  size_t (*length)(const char*) = nullptr;
  ASSERT_TRUE(library->find("strlen", length));
  EXPECT_EQ(length("adder"), 5u);
  EXPECT_EQ(library->find("no_such_symbol_here", length).error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace adder
