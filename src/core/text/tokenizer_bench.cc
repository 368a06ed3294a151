// With ADDER_DATA: the Tekken vocabulary of the family, and prose to encode.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

#include "core/text/tekken_test.h"

namespace adder {
namespace {

const TokenizerData& tekken() {
  static const TokenizerData data = [] {
    const char* folder = std::getenv("ADDER_DATA");
    auto read =
        folder == nullptr ? Result<TokenizerData>(Error::not_found("ADDER_DATA is not set")) : tekken_data(folder);
    return read ? std::move(*read) : TokenizerData();
  }();
  return data;
}

std::string prose() {
  std::string text;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::string(std::getenv("ADDER_DATA")) + "/prose")) {
    if (entry.path().extension() != ".txt" || text.size() > (size_t{8} << 20)) continue;
    text += read_file(entry.path()).value_or("");
  }
  return text;
}

/// 131,072 tokens and 269,443 merges, without the copy of the data.
void load(benchmark::State& state) {
  if (tekken().tokens.empty()) return state.SkipWithError("no data");
  for (auto _ : state) {
    state.PauseTiming();
    TokenizerData copy = tekken();
    state.ResumeTiming();
    const auto tokenizer = Tokenizer::from_data(std::move(copy));
    benchmark::DoNotOptimize(tokenizer.has_value());
  }
}
BENCHMARK(load)->Unit(benchmark::kMillisecond);

/// Argument: whether whole pieces are looked up before they are merged.
void encode_prose(benchmark::State& state) {
  if (tekken().tokens.empty()) return state.SkipWithError("no data");
  TokenizerData data = tekken();
  data.ignore_merges = state.range(0) != 0;
  const auto tokenizer = Tokenizer::from_data(std::move(data));
  const std::string text = prose();
  size_t n_tokens = 0;
  for (auto _ : state) benchmark::DoNotOptimize(n_tokens = tokenizer->encode(text).size());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
  state.counters["bytes/token"] = static_cast<double>(text.size()) / static_cast<double>(n_tokens);
}
BENCHMARK(encode_prose)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace adder
