#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/text/tokenizer.h"
#include "run/model/forward.h"

namespace adder {

class Engine;

/// How a long text is cut for models that see `context` tokens at a time.
enum class Windowing : uint8_t {
  /// As llama.cpp's perplexity tool: consecutive windows of `context` tokens, the first replaced by BOS, of which the
  /// predictions at positions context/2 .. context-2 count. What is left over at the end does not.
  kSecondHalf,
  /// Every token counts once: windows behind a BOS overlap, and each counts those that no window before it has.
  /// All but the first window's tokens have at least context/2 tokens before them.
  kEveryToken,
};

struct Window {
  std::vector<TokenId> tokens;
  int64_t first_scored = 0;  ///< predictions at positions first_scored .. tokens.size()-2 count
  int64_t scored() const { return static_cast<int64_t>(tokens.size()) - 1 - first_scored; }
};

/// `bos` < 0: the tokenizer has none; then nothing is replaced, and the very first token cannot be scored. Windows
/// without a counted prediction are left out. context >= 4.
std::vector<Window> cut_windows(std::span<const TokenId> text, int64_t context, Windowing windowing, TokenId bos);

/// Tells texts apart by their tokens.
std::string fingerprint(std::span<const Window> windows);

/// Runs every position of a window through one engine, some at a time, and hands over the logits it wants of each such
/// part, [positions, vocab_size], valid during the call.
using OnLogits = std::function<Status(std::span<const float> logits)>;
Status run_whole(Engine& engine, const Window& window, const OnLogits& on_logits = {}, Want want = Want::kAll);

/// Runs one window through all engines in step and hands over their logits of each counted position: rows[i] is that
/// of engine i, valid during the call. An error of `on_row` ends the run.
using OnRow = std::function<Status(int64_t position, std::span<const std::span<const float>> rows, TokenId next)>;
Status run_window(const Window& window, std::span<Engine* const> engines, const OnRow& on_row);

}  // namespace adder
