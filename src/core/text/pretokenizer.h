#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// One step of cutting text: every match of the expression becomes a piece, and so does every stretch between matches.
struct SplitStep {
  /// What of the cut text is thrown away (Hugging Face behaviour "Removed", plain or inverted).
  enum class Drop { kNothing, kMatches, kBetween };

  std::string regex;  ///< as published, see regex_dialect.h
  Drop drop = Drop::kNothing;

  bool operator==(const SplitStep&) const = default;
};

/// Cuts text into the pieces within which BPE may merge: expressions applied one after another, each to every piece
/// the one before left. An expression sees its piece alone: no look-around reaches past it.
///
/// Any bytes are accepted. A byte that is not part of well-formed UTF-8 is a piece of its own, and the text on either
/// side is cut as if the other side did not exist.
///
/// Immutable and safe to share between threads. Time is linear in the text for the named rules. An expression from a
/// file that backtracks without end is given up on, and the rest of that piece stays whole; the worst such expression
/// takes time quadratic in its longest piece.
class Pretokenizer {
 public:
  /// The rule a GGUF file names (tokenizer.ggml.pre); unknown names are refused with the list of known ones.
  static Result<Pretokenizer> named(std::string_view pre);
  static Result<Pretokenizer> from_steps(std::span<const SplitStep> steps);
  /// Same, nothing dropped. No expressions: each run of well-formed text is one piece.
  static Result<Pretokenizer> from_regex(std::span<const std::string> expressions);

  Pretokenizer(Pretokenizer&&) noexcept;
  Pretokenizer& operator=(Pretokenizer&&) noexcept;
  ~Pretokenizer();

  /// Appends the pieces of `text` in order; they are views into it and, if nothing is dropped, their concatenation is
  /// `text`.
  void split(std::string_view text, std::vector<std::string_view>& pieces) const;

 private:
  struct Impl;
  explicit Pretokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace adder
