#include "core/formats/names.h"

#include <gtest/gtest.h>

namespace adder {
namespace {

TEST(Quote, ShowsAnyBytesOnOneLine) {
  EXPECT_EQ(quote("blk.0.ssm_a"), "'blk.0.ssm_a'");
  EXPECT_EQ(quote("a\nb\x1b\xff"), "'a\\x0ab\\x1b\\xff'");
  EXPECT_EQ(quote(std::string_view("\0", 1)), "'\\x00'");
}

TEST(Quote, CutsLongText) {
  EXPECT_EQ(quote(std::string(80, 'x')), "'" + std::string(80, 'x') + "'");
  EXPECT_EQ(quote(std::string(81, 'x')), "'" + std::string(80, 'x') + "...'");
}

}  // namespace
}  // namespace adder
