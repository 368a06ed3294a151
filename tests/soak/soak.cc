// soak MODEL [SECONDS [SEED]]: a long random life of the engine on a small model. Every round is compared, to the bit
// or to the token, with a fresh computation, and memory must not grow once warm. The same seed lives the same life, as
// far as time allows. Exit status 1 on any mismatch, error or growth, 2 on a wrong command line.

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "core/base/testing/sanitizer.h"
#include "tests/soak/readers.h"
#include "tests/soak/talk.h"

namespace adder {
namespace {

using Clock = std::chrono::steady_clock;

#if ADDER_ASAN || ADDER_TSAN
constexpr bool kMeasuresMemory = false;  // sanitizers keep freed memory
#else
constexpr bool kMeasuresMemory = true;
#endif
constexpr int64_t kWarm = 200;      // rounds after which every reader, saved state and buffer has had its full size
constexpr double kLong = 600;       // seconds from which on it must get warm
constexpr double kGrowth = 1.03;    // of the mean resident memory, from the second quarter to the last
constexpr double kSlack = 4 << 20;  // bytes

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// Of one quarter of the time.
struct Residence {
  double sum = 0, most = 0;
  int64_t n = 0;
  void add(double bytes) {
    sum += bytes, ++n;
    most = std::max(most, bytes);
  }
  double mean() const { return n > 0 ? sum / static_cast<double>(n) : 0; }
};

Status live(const char* model, double seconds, uint64_t seed) {
  TRY_ASSIGN(const auto quick,
             Engine::open(model, {.threads = 2, .context = 700, .prefill_tokens = 100, .snapshot_bytes = 4 << 20}));
  TRY_ASSIGN(const auto plain, Engine::open(model, {.threads = 1, .context = 700}));
  Readers readers(*quick);
  Talk talk(*quick, *plain);

  Residence quarters[4];
  int64_t round = 0;
  const auto start = Clock::now();
  for (double age = 0; age < seconds; ++round) {
    Rng rng(seed, static_cast<uint64_t>(round));
    if (const Status done = rng.below(3) == 0 ? talk.round(rng) : readers.round(rng); !done)
      return Error(done.error()).in(fmt::format("seed {}, round {}", seed, round));
    age = std::chrono::duration<double>(Clock::now() - start).count();
    quarters[std::min(3, static_cast<int>(4 * age / seconds))].add(resident_bytes());
  }
  fmt::print("{} rounds; resident MB in the quarters of the time, mean (most):", round);
  for (const Residence& quarter : quarters) fmt::print(" {:.1f} ({:.1f})", quarter.mean() / 1e6, quarter.most / 1e6);
  fmt::print("\n");
  if (quarters[0].n < kWarm) {
    if (kMeasuresMemory && seconds >= kLong)
      return Error::unsupported("{} rounds are too few to judge its memory", quarters[0].n);
    fmt::print("not warm after {} rounds: its memory is not judged\n", quarters[0].n);
    return {};
  }
  if (kMeasuresMemory && quarters[3].mean() > kGrowth * quarters[1].mean() + kSlack)
    return Error::too_large("memory grows");
  return {};
}

template <class Number>
bool parse(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

int soak(int argc, char** argv) {
  double seconds = 600;
  uint64_t seed = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) % 1'000'000'000;
  if (argc < 2 || argc > 4 || (argc > 2 && !(parse(argv[2], seconds) && seconds > 0)) ||
      (argc > 3 && !parse(argv[3], seed))) {
    fmt::print(stderr, "soak MODEL [SECONDS [SEED]]\n");
    return 2;
  }
  fmt::print("seed {}\n", seed);
  std::fflush(stdout);
  const Status lived = live(argv[1], seconds, seed);
  if (!lived) fmt::print(stderr, "soak: {}\n", lived.error().message());
  return lived ? 0 : 1;
}

}  // namespace
}  // namespace adder

int main(int argc, char** argv) {
  return adder::soak(argc, argv);
}
