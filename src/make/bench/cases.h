#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// "512,8192": whole numbers between commas. kUsage for anything else.
Result<std::vector<int64_t>> parse_list(std::string_view text);

/// One measurement, a row of the report: `batch` sequences that have seen `depth` tokens each read a prompt, one after
/// another, and then generate together.
struct Case {
  int threads = 1;
  int64_t batch = 1;
  int64_t depth = 0;
  int64_t prompt = 512;
  int64_t generate = 128;

  int64_t positions() const { return depth + prompt + generate; }  ///< of each sequence at the end
};

/// What a command line lists; every combination is a case.
struct CaseLists {
  std::vector<int64_t> threads;  ///< empty: all available
  std::vector<int64_t> batch = {1};
  std::vector<int64_t> depth = {0};
  std::vector<int64_t> prompt = {512};
  std::vector<int64_t> generate = {128};
};

inline constexpr int64_t kMostBenchThreads = 1024, kMostBatch = 1024, kMostCases = 10000;

/// All combinations. Threads change slowest, then depth, batch, prompt, generate: what is costly to set up is set up
/// once. kUsage, with the list and the number, for what is out of range (threads and batch above, tokens below 1, depth
/// below 0, a sum beyond `most_positions`) and for more than kMostCases cases.
Result<std::vector<Case>> combinations(const CaseLists& lists, int64_t most_positions);

}  // namespace adder
