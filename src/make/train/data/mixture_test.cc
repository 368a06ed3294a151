#include "make/train/data/mixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace adder {
namespace {

constexpr TokenId kDocumentStart = 1;
constexpr int64_t kLength = 4;

/// A stream of one token, by which its windows are known.
Windows windows_of(TokenId token, int64_t tokens = 400) {
  return {std::vector<TokenId>(static_cast<size_t>(tokens), token), kDocumentStart, kLength, 7};
}

Mixture three() {
  std::vector<Windows> sources;
  for (const TokenId token : {100, 200, 300}) sources.push_back(windows_of(token));
  return {std::move(sources), {6, 3, 1}};
}

std::vector<int64_t> sources_of(const WindowBatch& batch) {
  std::vector<int64_t> sources;
  for (int64_t row = 0; row < batch.rows; ++row) sources.push_back(batch.tokens[static_cast<size_t>(row * kLength)]);
  return sources;
}

TEST(Mixture, EveryTenSamplesAreMixedAsTheWeightsSay) {
  Mixture mixture = three();
  for (int64_t first = 0; first < 200; first += 10) {
    std::array<int, 3> count{};
    for (const int64_t token : sources_of(mixture.batch(first, 10))) ++count[static_cast<size_t>(token / 100 - 1)];
    EXPECT_THAT(count, testing::ElementsAre(6, 3, 1)) << "from sample " << first;
  }
}

TEST(Mixture, SamplesDependOnTheirNumberAlone) {
  Mixture whole = three(), parts = three();
  const std::vector<int64_t> expected = whole.batch(0, 60).tokens;
  std::vector<int64_t> tokens;
  for (const auto& [first, rows] : {std::pair{40, 20}, std::pair{0, 3}, std::pair{3, 37}}) {
    const WindowBatch batch = parts.batch(first, rows);
    tokens.insert(first == 40 ? tokens.end() : tokens.end() - 20 * kLength, batch.tokens.begin(), batch.tokens.end());
  }
  EXPECT_EQ(tokens, expected);
}

TEST(Mixture, OfOneSourceIsThatSource) {
  std::vector<TokenId> stream;
  for (int i = 0; i < 400; ++i) stream.push_back(i + 2);
  Windows windows(stream, kDocumentStart, kLength, 3);
  Mixture mixture(Windows(stream, kDocumentStart, kLength, 3));
  EXPECT_EQ(mixture.batch(95, 30).tokens, windows.batch(95, 30).tokens);
}

}  // namespace
}  // namespace adder
