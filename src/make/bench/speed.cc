#include "make/bench/speed.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "core/arch/budget.h"
#include "core/base/memory.h"
#include "core/base/rng.h"
#include "make/bench/machine.h"

namespace adder {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<TokenId> random_tokens(int64_t n, int64_t vocab_size) {
  Rng rng(1);
  std::vector<TokenId> tokens(static_cast<size_t>(n));
  for (TokenId& token : tokens) token = static_cast<TokenId>(rng.below(static_cast<uint64_t>(vocab_size)));
  return tokens;
}

TokenId likeliest(std::span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// Counts the model's passes against all there will be, and asks whether to go on.
class Ticker {
 public:
  Ticker(int64_t total, const std::function<bool(double)>& on_progress) : total_(total), on_progress_(on_progress) {}
  Status tick(int64_t tokens) {
    done_ += tokens;
    if (on_progress_ && !on_progress_(static_cast<double>(done_) / static_cast<double>(total_)))
      return Error::cancelled("interrupted");
    return {};
  }

 private:
  int64_t total_, done_ = 0;
  const std::function<bool(double)>& on_progress_;
};

/// Feeds tokens in passes of the engine's size; the likeliest next token.
Result<TokenId> feed(Engine& engine, Sequence& sequence, std::span<const TokenId> tokens, Ticker& ticker) {
  const auto pass = static_cast<size_t>(engine.options().prefill_tokens);
  std::span<const float> logits;
  while (!tokens.empty()) {
    const Segment segment{&sequence, tokens.first(std::min(pass, tokens.size())), Want::kLast};
    tokens = tokens.subspan(segment.tokens.size());
    TRY_ASSIGN(logits, engine.forward().run({&segment, 1}));
    TRY(ticker.tick(static_cast<int64_t>(segment.tokens.size())));
  }
  return likeliest(logits);
}

/// Bytes read for the token in the middle of the answer.
int64_t bytes_per_token(const Engine& engine, const SpeedOptions& o) {
  const StateBytes state = state_bytes(engine.model().config(), engine.options().kv_type);
  const int64_t position = o.depth + o.prompt + o.generate / 2;
  return weight_bytes_per_token(engine.model().bound()) + state.ssm + state.conv + state.kv_per_token * position;
}

Status validate(const Engine& engine, const SpeedOptions& o) {
  if (o.prompt < 1 || o.generate < 1 || o.depth < 0 || o.repetitions < 1)
    return Error::usage("a measurement of {} prompt and {} generated tokens at depth {}, {} times", o.prompt,
                        o.generate, o.depth, o.repetitions);
  const int64_t context = engine.options().context;
  if (o.prompt > context || o.generate > context || o.depth > context || o.depth + o.prompt + o.generate > context)
    return Error::too_large("{} + {} + {} tokens, the context holds {}", o.depth, o.prompt, o.generate, context);
  return {};
}

}  // namespace

Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {(values[(n - 1) / 2] + values[n / 2]) / 2, values.front(), values.back()};
}

Result<SpeedReport> measure_speed(Engine& engine, const SpeedOptions& o,
                                  const std::function<bool(double)>& on_progress) {
  TRY(validate(engine, o));
  const std::vector<TokenId> tokens = random_tokens(o.depth + o.prompt, engine.model().config().vocab_size);
  const auto past = std::span(tokens).first(static_cast<size_t>(o.depth));
  const auto prompt = std::span(tokens).subspan(past.size());

  Ticker ticker(o.depth + (o.repetitions + 1) * (o.prompt + o.generate), on_progress);
  TRY_ASSIGN(Sequence start, engine.new_sequence());
  TRY_ASSIGN([[maybe_unused]] const TokenId unused, feed(engine, start, past, ticker));

  std::vector<double> prompt_speeds, generate_speeds, first_token_seconds;
  for (int repetition = 0; repetition <= o.repetitions; ++repetition) {
    TRY_ASSIGN(Sequence sequence, start.fork());
    const auto began = Clock::now();
    TRY_ASSIGN(TokenId token, feed(engine, sequence, prompt, ticker));
    const double prompt_seconds = seconds_since(began);

    const auto first_token_at = Clock::now();
    for (int64_t i = 0; i < o.generate; ++i) {
      TRY_ASSIGN(token, feed(engine, sequence, {&token, 1}, ticker));
    }
    const double generate_seconds = seconds_since(first_token_at);

    if (repetition == 0) continue;  // warms caches, page tables and clocks
    prompt_speeds.push_back(static_cast<double>(o.prompt) / prompt_seconds);
    generate_speeds.push_back(static_cast<double>(o.generate) / generate_seconds);
    first_token_seconds.push_back(prompt_seconds);
  }

  SpeedReport report;
  report.prompt_tokens_per_s = spread(prompt_speeds);
  report.generate_tokens_per_s = spread(generate_speeds);
  report.time_to_first_token_s = spread(first_token_seconds);
  report.peak_rss_bytes = peak_resident_bytes();
  report.bytes_per_token = bytes_per_token(engine, o);
  ThreadPool pool(engine.options().threads);
  report.read_bandwidth = read_bandwidth(pool);
  report.bandwidth_share =
      static_cast<double>(report.bytes_per_token) * report.generate_tokens_per_s.median / report.read_bandwidth;
  return report;
}

}  // namespace adder
