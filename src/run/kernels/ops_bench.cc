#include <benchmark/benchmark.h>

#include "run/kernels/ops_cases.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/// Every op of the table ADDER_ISA selects, on one core, at the shapes of a 4B model (H 3136, F 12544, 96 heads of 80,
/// state 128), beside what the core can do at most. Results and what was learned: docs/performance.md.
namespace adder {
namespace {

const Ops& ops() {
  static const Ops* const kOps = [] {
    auto chosen = select_ops();
    CHECK(chosen.has_value(), "{}", chosen.error().message());
    benchmark::AddCustomContext("isa", std::string((*chosen)->name));
    return *chosen;
  }();
  return *kOps;
}

void report(benchmark::State& state, double bytes, double flop) {
  using benchmark::Counter;
  if (bytes > 0) state.counters["B/s"] = Counter(bytes, Counter::kIsIterationInvariantRate, Counter::kIs1000);
  if (flop > 0) state.counters["FLOP/s"] = Counter(flop, Counter::kIsIterationInvariantRate, Counter::kIs1000);
}

#if defined(__x86_64__)
/// Twelve independent chains of AVX2 FMAs: the most a core's f32 units give at that width.
__attribute__((target("avx2,fma"))) void peak_fma_avx2(benchmark::State& state) {
  constexpr int kChains = 12, kSteps = 4096;
  __m256 sum[kChains];
  for (__m256& s : sum) s = _mm256_set1_ps(1.0f);
  const __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
  for (auto _ : state) {
    for (int i = 0; i < kSteps; ++i) {
      for (int c = 0; c < kChains; ++c) sum[c] = _mm256_fmadd_ps(sum[c], a, b);
    }
    benchmark::DoNotOptimize(sum);
  }
  report(state, 0, 2.0 * 8 * kChains * kSteps);
}
BENCHMARK(peak_fma_avx2);

/// Sixteen chains of products of bytes: the most a core with VNNI gives, multiplications and additions counted.
__attribute__((target("avx512f,avx512vnni"))) void peak_bytes_vnni(benchmark::State& state) {
  if (!__builtin_cpu_supports("avx512vnni")) return state.SkipWithError("this processor has no VNNI");
  constexpr int kChains = 16, kSteps = 4096;
  __m512i sum[kChains] = {};
  const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(2);
  for (auto _ : state) {
    for (int i = 0; i < kSteps; ++i) {
      for (int c = 0; c < kChains; ++c) sum[c] = _mm512_dpbusd_epi32(sum[c], a, b);
    }
    benchmark::DoNotOptimize(sum);
  }
  report(state, 0, 2.0 * 64 * kChains * kSteps);
}
BENCHMARK(peak_bytes_vnni);

/// Reads 1 GiB from end to end.
__attribute__((target("avx2"))) void peak_read(benchmark::State& state) {
  const std::vector<float> memory(size_t{1} << 28, 1.0f);
  for (auto _ : state) {
    __m256 sum[4] = {};
    for (size_t i = 0; i < memory.size(); i += 32) {
      for (size_t k = 0; k < 4; ++k) sum[k] = _mm256_add_ps(sum[k], _mm256_loadu_ps(&memory[i + 8 * k]));
    }
    benchmark::DoNotOptimize(sum);
  }
  report(state, static_cast<double>(memory.size() * sizeof(float)), 0);
}
BENCHMARK(peak_read)->Unit(benchmark::kMillisecond);
#endif

/// A few rows drawn, then repeated: a matrix far larger than the caches (30 Mi weights and more), so that few tokens
/// read memory.
template <class Case>
Case large_case(Rng& rng, DType dtype, int64_t tokens) {
  constexpr int64_t kCols = 7680, kDrawn = 32;
  const int64_t rows = tokens <= 16 ? 8192 : 512;
  Case c(rng, dtype, kDrawn, kCols, tokens);
  const std::vector<std::byte> drawn = c.w;
  for (int64_t r = kDrawn; r < rows; r += kDrawn) c.w.insert(c.w.end(), drawn.begin(), drawn.end());
  c.view = {dtype, {rows, kCols}, c.w.data()};
  return c;
}

/// run(y) computes all outputs of c.
template <class Run>
void time_linear(benchmark::State& state, const LinearCase& c, const Run& run) {
  std::vector<float> y(static_cast<size_t>(c.outputs()));
  for (auto _ : state) {
    run(y.data());
    benchmark::DoNotOptimize(y.data());
  }
  report(state, static_cast<double>(c.w.size()), 2.0 * static_cast<double>(c.outputs() * c.view.shape.row_length()));
}

void linear(benchmark::State& state, DType dtype) {
  Rng rng(1);
  const auto c = large_case<LinearCase>(rng, dtype, state.range(0));
  time_linear(state, c, [&](float* y) { ops().linear(c.args(y), 0, c.view.shape.rows()); });
}

void linear_q8(benchmark::State& state, DType dtype) {
  Rng rng(1);
  auto c = large_case<LinearQ8Case>(rng, dtype, state.range(0));
  c.pack();
  time_linear(state, c, [&](float* y) { ops().linear_q8(c.args(y), 0, c.view.shape.rows()); });
}

void ssd_output(benchmark::State& state) {
  const int64_t first = state.range(0), last = state.range(1);
  Rng rng(1);
  SsdCase c(rng, {96, 80, 128, 8, 64}, 0);
  std::vector<float> y(static_cast<size_t>((last - first) * 96 * 80));
  for (auto _ : state) {
    ops().ssd_output(c.output(y.data(), first, last), 0, 96);
    benchmark::DoNotOptimize(y.data());
  }
  state.SetItemsProcessed(state.iterations() * (last - first));
}
BENCHMARK(ssd_output)->Args({0, 64})->Args({32, 33})->Args({63, 64})->Unit(benchmark::kMicrosecond);

void ssd_advance(benchmark::State& state) {
  Rng rng(1);
  const SsdCase c(rng, {96, 80, 128, 8, 64}, 0);
  std::vector<std::byte> memory = c.state;
  for (auto _ : state) {
    ops().ssd_advance({c.chunk(memory.data()), 64}, 0, 96);
    benchmark::DoNotOptimize(memory.data());
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(ssd_advance)->Unit(benchmark::kMicrosecond);

void attention(benchmark::State& state, DType kv_type) {
  const int64_t position = state.range(0), tokens = state.range(1);
  Rng rng(1);
  const AttentionCase c(rng, kv_type, 40, 8, 128, position, tokens);
  std::vector<float> out(c.q.size());
  for (auto _ : state) {
    ops().attention(c.args(out.data()), 0, c.items());
    benchmark::DoNotOptimize(out.data());
  }
  const double keys = static_cast<double>(tokens * position + tokens * (tokens + 1) / 2);
  report(state, 0, 4.0 * 40 * 128 * keys);
}

void conv_silu(benchmark::State& state) {
  constexpr int64_t kTokens = 64, kDim = 9728, kKernel = 4;
  Rng rng(1);
  const auto in = random_floats(rng, kTokens * kDim), w = random_floats(rng, kKernel * kDim);
  const auto b = random_floats(rng, kDim);
  std::vector<float> out(in.size()), log(static_cast<size_t>((kTokens + kKernel - 1) * kDim));
  for (auto _ : state) {
    ops().conv_silu({in.data(), kDim, log.data(), w.data(), b.data(), out.data(), kTokens, kDim, kKernel}, 0, kDim);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * kTokens);
}
BENCHMARK(conv_silu)->Unit(benchmark::kMicrosecond);

void gated_norm(benchmark::State& state) {
  constexpr int64_t kTokens = 64, kInner = 7680;
  Rng rng(1);
  const auto y = random_floats(rng, kTokens * kInner), z = random_floats(rng, kTokens * kInner);
  const auto w = random_floats(rng, kInner);
  std::vector<float> out(y.size());
  for (auto _ : state) {
    ops().gated_norm({y.data(), z.data(), kInner, w.data(), out.data(), kInner, 8, 1e-5f}, 0, kTokens * 8);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * kTokens);
}
BENCHMARK(gated_norm)->Unit(benchmark::kMicrosecond);

const bool kRegistered = [] {
  for (const DType dtype : weight_dtypes()) {
    const std::string name = "linear/" + std::string(adder::name(dtype));
    benchmark::RegisterBenchmark(name.c_str(), packed_format(dtype) ? linear_q8 : linear, dtype)
        ->Unit(benchmark::kMillisecond)
        ->ArgsProduct({{1, 2, 4, 8, 16, 128}});
  }
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    const std::string name = "attention/" + std::string(adder::name(dtype));
    benchmark::RegisterBenchmark(name.c_str(), attention, dtype)
        ->Args({4095, 1})
        ->Args({0, 256})
        ->Unit(benchmark::kMicrosecond);
  }
  return true;
}();

}  // namespace
}  // namespace adder
