#include "core/base/hash.h"

#include <gtest/gtest.h>

#include <vector>

namespace adder {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// As the Python package xxhash computes xxh3_128_hexdigest.
TEST(Hash128, MatchesPublishedValues) {
  EXPECT_EQ(hash128_hex({}), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hash128_hex(bytes_of("abc")), "06b05ab6733a618578af5f94892f3950");
}

TEST(Hash128, DoesNotDependOnHowBytesArrive) {
  std::vector<std::byte> data;
  for (int i = 0; i < 5 * 256; ++i) data.push_back(static_cast<std::byte>(i));
  for (const size_t piece : {1, 7, 240, 1024}) {
    Hash128 hash;
    for (size_t at = 0; at < data.size(); at += piece)
      hash.update(std::span(data).subspan(at, std::min(piece, data.size() - at)));
    EXPECT_EQ(hash.hex(), "d92ab3a1cb0542a74844b009e164352e");
  }
}

}  // namespace
}  // namespace adder
