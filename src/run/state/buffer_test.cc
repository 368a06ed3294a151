#include "run/state/buffer.h"

#include <gtest/gtest.h>

#include <cstring>

namespace adder {
namespace {

TEST(Buffer, IsEmptyUntilOwned) {
  Buffer buffer;
  EXPECT_EQ(buffer.bytes(), 0);
  EXPECT_EQ(buffer.as<char>(), nullptr);
  ASSERT_TRUE(buffer.own(100, 0));
  EXPECT_EQ(buffer.bytes(), 100);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.as<char>()) % 64, 0u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(buffer.as<char>()[i], 0);
}

TEST(Buffer, CopiesShareUntilOneOwns) {
  Buffer a;
  ASSERT_TRUE(a.own(8, 0));
  std::memcpy(a.writable<char>(), "abcdefg", 8);
  Buffer b = a;
  EXPECT_EQ(a.as<char>(), b.as<char>());

  ASSERT_TRUE(b.own(8, 3));
  EXPECT_NE(a.as<char>(), b.as<char>());
  b.writable<char>()[0] = 'x';
  EXPECT_STREQ(a.as<char>(), "abcdefg");
  EXPECT_STREQ(b.as<char>(), "xbc");  // three kept, new memory is zero
}

TEST(Buffer, TheOnlyHolderKeepsItsMemory) {
  Buffer a;
  ASSERT_TRUE(a.own(8, 0));
  const char* const before = a.as<char>();
  { const Buffer b = a; }
  ASSERT_TRUE(a.own(8, 8));
  EXPECT_EQ(a.as<char>(), before);
}

TEST(Buffer, TrimmedIsAShorterCopy) {
  Buffer a;
  ASSERT_TRUE(a.own(8, 0));
  std::memcpy(a.writable<char>(), "abcdefg", 8);
  const Buffer b = a.trimmed(2);
  EXPECT_EQ(b.bytes(), 2);
  EXPECT_EQ(std::memcmp(b.as<char>(), "ab", 2), 0);
  EXPECT_EQ(a.trimmed(8).as<char>(), a.as<char>());
  EXPECT_EQ(Buffer().trimmed(5).bytes(), 0);
}

}  // namespace
}  // namespace adder
