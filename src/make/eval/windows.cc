#include "make/eval/windows.h"

#include <algorithm>
#include <iterator>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "run/engine/engine.h"

namespace adder {
namespace {

/// Positions per pass whose logits are kept: a large vocabulary takes half a megabyte each.
constexpr int64_t kRowsPerPass = 32;
/// The same for one engine.
constexpr size_t kTokensPerPass = 64;

std::vector<Window> cut_second_half(std::span<const TokenId> text, int64_t context, TokenId bos) {
  std::vector<Window> windows;
  for (size_t begin = 0; begin + static_cast<size_t>(context) <= text.size(); begin += static_cast<size_t>(context)) {
    const auto tokens = text.subspan(begin, static_cast<size_t>(context));
    windows.push_back({{tokens.begin(), tokens.end()}, context / 2});
    if (bos >= 0) windows.back().tokens.front() = bos;
  }
  return windows;
}

std::vector<Window> cut_every_token(std::span<const TokenId> text, int64_t context, TokenId bos) {
  const int64_t n = static_cast<int64_t>(text.size());
  const int64_t before = bos >= 0 ? 1 : 0;
  const int64_t room = context - before;
  std::vector<Window> windows;
  for (int64_t counted = 1 - before; counted < n;) {
    const int64_t end = windows.empty() ? std::min(n, room) : std::min(n, counted + context / 2);
    const int64_t begin = std::max(int64_t{0}, end - room);
    Window window;
    window.tokens.assign(static_cast<size_t>(before), bos);
    std::ranges::copy(text.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)),
                      std::back_inserter(window.tokens));
    window.first_scored = before + counted - begin - 1;  // the position that predicts text[counted]
    windows.push_back(std::move(window));
    counted = end;
  }
  return windows;
}

/// The logits of tokens [begin, end) of a window from every engine.
Result<std::vector<std::span<const float>>> advance(std::span<Engine* const> engines, std::span<Sequence> sequences,
                                                    std::span<const TokenId> tokens, Want want) {
  std::vector<std::span<const float>> logits;
  for (size_t i = 0; i < engines.size(); ++i) {
    const Segment segment{&sequences[i], tokens, want};
    TRY_ASSIGN(const auto rows, engines[i]->forward().run({&segment, 1}));
    logits.push_back(rows);
  }
  return logits;
}

}  // namespace

std::vector<Window> cut_windows(std::span<const TokenId> text, int64_t context, Windowing windowing, TokenId bos) {
  CHECK(context >= 4, "{}", context);
  switch (windowing) {
    case Windowing::kSecondHalf:
      return cut_second_half(text, context, bos);
    case Windowing::kEveryToken:
      return cut_every_token(text, context, bos);
  }
  CHECK(false, "windowing {}", static_cast<int>(windowing));
}

std::string fingerprint(std::span<const Window> windows) {
  Hash128 hash;
  for (const Window& window : windows) hash.update(std::as_bytes(std::span(window.tokens)));
  return hash.hex();
}

Status run_whole(Engine& engine, const Window& window, const OnLogits& on_logits, Want want) {
  TRY_ASSIGN(Sequence sequence, engine.new_sequence());
  for (std::span<const TokenId> left = window.tokens; !left.empty();) {
    const auto part = left.first(std::min(left.size(), kTokensPerPass));
    const Segment segment{&sequence, part, want};
    TRY_ASSIGN(const std::span<const float> logits, engine.forward().run({&segment, 1}));
    if (on_logits) TRY(on_logits(logits));
    left = left.subspan(part.size());
  }
  return {};
}

Status run_window(const Window& window, std::span<Engine* const> engines, const OnRow& on_row) {
  std::vector<Sequence> sequences;
  for (const Engine* engine : engines) {
    TRY_ASSIGN(Sequence sequence, engine->new_sequence());
    sequences.push_back(std::move(sequence));
  }
  const std::span<const TokenId> tokens = window.tokens;
  const int64_t last = static_cast<int64_t>(tokens.size()) - 1;  // its prediction is of a token beyond the window
  for (int64_t begin = 0; begin < last;) {
    const bool counts = begin >= window.first_scored;
    const int64_t end = counts ? std::min(last, begin + kRowsPerPass)
                               : std::min(window.first_scored, begin + engines.front()->options().prefill_tokens);
    const auto part = tokens.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    TRY_ASSIGN(const auto logits, advance(engines, sequences, part, counts ? Want::kAll : Want::kNothing));
    for (int64_t i = begin; counts && i < end; ++i) {
      std::vector<std::span<const float>> rows;
      for (const std::span<const float> all : logits) {
        const size_t width = all.size() / part.size();
        rows.push_back(all.subspan(static_cast<size_t>(i - begin) * width, width));
      }
      TRY(on_row(i, rows, tokens[static_cast<size_t>(i) + 1]));
    }
    begin = end;
  }
  return {};
}

}  // namespace adder
