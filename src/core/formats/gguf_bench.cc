// Opening a file with the metadata of a large vocabulary: what every start of `adder` pays before the first weight.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/formats/gguf.h"
#include "core/formats/gguf_writer.h"

namespace adder {
namespace {

std::string word(Rng& rng, size_t longest) {
  std::string text(1 + rng.below(longest), ' ');
  for (char& c : text) c = static_cast<char>('a' + rng.below(26));
  return text;
}

/// 131072 tokens and 269443 merges, as the 4B model has; about 9 MB.
std::filesystem::path write_vocabulary() {
  const auto path = std::filesystem::temp_directory_path() / "adder-gguf-bench.gguf";
  Rng rng(1);
  std::vector<std::string> tokens(131072), merges(269443);
  for (auto& token : tokens) token = word(rng, 14);
  for (auto& merge : merges) merge = word(rng, 8) + ' ' + word(rng, 8);
  GgufWriter writer;
  writer.set_texts("tokenizer.ggml.tokens", std::move(tokens));
  writer.set_texts("tokenizer.ggml.merges", std::move(merges));
  writer.set_i32s("tokenizer.ggml.token_type", std::vector<int32_t>(131072, 1));
  CHECK(writer.begin(path) && writer.finish());
  return path;
}

void BM_OpenVocabulary(benchmark::State& state) {
  const auto path = write_vocabulary();
  for (auto _ : state) {
    auto gguf = Gguf::open(path);
    CHECK(gguf.has_value());
    benchmark::DoNotOptimize(gguf);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * std::filesystem::file_size(path)));
  std::filesystem::remove(path);
}
BENCHMARK(BM_OpenVocabulary)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace adder
