#include "core/base/byte_size.h"

#include <gtest/gtest.h>

#include "core/base/testing/expect_error.h"

namespace adder {
namespace {

TEST(ByteSize, ReadsUnitsOfBothKinds) {
  EXPECT_EQ(parse_byte_size("1").value(), 1);
  EXPECT_EQ(parse_byte_size("65536B").value(), 65536);
  EXPECT_EQ(parse_byte_size("500MB").value(), 500'000'000);
  EXPECT_EQ(parse_byte_size("2GiB").value(), 2'147'483'648);
  EXPECT_EQ(parse_byte_size("2gib").value(), 2'147'483'648);
  EXPECT_EQ(parse_byte_size("1.5 kB").value(), 1500);
  EXPECT_EQ(parse_byte_size("0.5KiB").value(), 512);
  EXPECT_EQ(parse_byte_size("3TB").value(), 3'000'000'000'000);
  EXPECT_EQ(parse_byte_size("1TiB").value(), 1'099'511'627'776);
}

TEST(ByteSize, RefusesWhatIsNoSize) {
  for (const std::string text : {"", "GB", "0", "0.4", "-1", "-1GB", "1 G", "12XB", "1e3", "inf", "nan", "0x10", "+5",
                                 "2 GiB ", "2  GiB", "99999999999TB", "1,5GB"})
    testing::expect_error(parse_byte_size(text), ErrorCode::kUsage, "'" + text + "'");
}

TEST(ByteSize, IsShortForPeople) {
  EXPECT_EQ(byte_size_text(812), "812 B");
  EXPECT_EQ(byte_size_text(34'210), "34.2 kB");
  EXPECT_EQ(byte_size_text(85'000'000), "85.0 MB");
  EXPECT_EQ(byte_size_text(12'345'000'000), "12.35 GB");
}

}  // namespace
}  // namespace adder
