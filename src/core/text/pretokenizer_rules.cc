#include "core/text/pretokenizer_rules.h"

#include <fmt/ranges.h>

#include "core/formats/names.h"

namespace adder {
namespace {

// GPT-2 (github.com/openai/gpt-2, encoder.py). What is left between matches, single white space, is a piece anyway.
constexpr std::string_view kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Llama 3 and Qwen 2 (their tokenizer.json) are one expression with different runs of digits.
constexpr std::string_view kContractions = R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]))";
constexpr std::string_view kWord = R"([^\r\n\p{L}\p{N}]?\p{L}+)";
constexpr std::string_view kSymbolsAndSpace = R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Mistral-NeMo's tekken: words begin at a change from lower to upper case, digits stand alone.
constexpr std::string_view kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
                                     R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
                                     R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// DeepSeek LLM lists the letters with case of its day by code point.
constexpr std::string_view kDeepSeekWord =
    R"(\s?[A-Za-z\x{b5}\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{1ba}\x{1bc}-\x{1bf}\x{1c4}-\x{293}\x{295}-\x{2af})"
    R"(\x{370}-\x{373}\x{376}\x{377}\x{37b}-\x{37d}\x{37f}\x{386}\x{388}-\x{38a}\x{38c}\x{38e}-\x{3a1}\x{3a3}-\x{3f5})"
    R"(\x{3f7}-\x{481}\x{48a}-\x{52f}\x{531}-\x{556}\x{10a0}-\x{10c5}\x{13a0}-\x{13f5}\x{13f8}-\x{13fd})"
    R"(\x{1c90}-\x{1cba}\x{1cbd}-\x{1cbf}\x{1d00}-\x{1d2b}\x{1d6b}-\x{1d77}\x{1d79}-\x{1d9a}\x{1e00}-\x{1f15})"
    R"(\x{1f18}-\x{1f1d}\x{1f20}-\x{1f45}\x{1f48}-\x{1f4d}\x{1f50}-\x{1f57}\x{1f59}\x{1f5b}\x{1f5d}\x{1f5f}-\x{1f7d})"
    R"(\x{1f80}-\x{1fb4}\x{1fb6}-\x{1fbc}\x{1fbe}\x{1fc2}-\x{1fc4}\x{1fc6}-\x{1fcc}\x{1fd0}-\x{1fd3}\x{1fd6}-\x{1fdb})"
    R"(\x{1fe0}-\x{1fec}\x{1ff2}-\x{1ff4}\x{1ff6}-\x{1ffc}\x{2102}\x{2107}\x{210a}-\x{2113}\x{2115}\x{2119}-\x{211d})"
    R"(\x{2124}\x{2126}\x{2128}\x{212a}-\x{212d}\x{212f}-\x{2134}\x{2139}\x{213c}-\x{213f}\x{2145}-\x{2149}\x{214e})"
    R"(\x{2183}\x{2184}\x{2c00}-\x{2c7b}\x{2c7e}-\x{2ce4}\x{2ceb}-\x{2cee}\x{2cf2}\x{2cf3}\x{a640}-\x{a66d})"
    R"(\x{a680}-\x{a69b}\x{a722}-\x{a76f}\x{a771}-\x{a787}\x{a78b}-\x{a78e}\x{ab70}-\x{abbf}\x{fb00}-\x{fb06})"
    R"(\x{fb13}-\x{fb17}\x{ff21}-\x{ff3a}\x{ff41}-\x{ff5a}\x{10400}-\x{1044f}\x{104b0}-\x{104d3}\x{104d8}-\x{104fb})"
    R"(\x{10c80}-\x{10cb2}\x{10cc0}-\x{10cf2}\x{118a0}-\x{118df}\x{1e900}-\x{1e943}]+)";
constexpr std::string_view kDeepSeekSymbols =
    R"(\s?[!-\/:-~\x{ff01}-\x{ff0f}\x{ff1a}-\x{ff5e}\x{2018}-\x{201f}\x{3000}-\x{3002}]+)";
constexpr std::string_view kDeepSeekCjk = R"([\x{4e00}-\x{9fa5}\x{800}-\x{4e00}\x{ac00}-\x{d7ff}]+)";
// Published as \s+$. Only the first of a run of white space can begin the leftmost match; saying so spares the
// engine the n^2 / 2 steps of trying every other one.
constexpr std::string_view kTrailingSpace = R"((?<!\s)\s+$)";

std::string digits_rule(std::string_view digits) {
  return fmt::format("{}|{}|{}|{}", kContractions, kWord, digits, kSymbolsAndSpace);
}

// The same with case folding, which adds U+017F (long s) to the letters of contractions.
std::string published_digits_rule(std::string_view digits) {
  return fmt::format("{}|{}|{}|{}", "(?i:'s|'t|'re|'ve|'m|'ll|'d)", kWord, digits, kSymbolsAndSpace);
}

std::vector<PretokenizerRule> make_rules() {
  constexpr std::string_view kUpTo3Digits = R"(\p{N}{1,3})", kDigit = R"(\p{N})";
  const std::string gpt2(kGpt2), tekken(kTekken), llama3 = digits_rule(kUpTo3Digits);
  const std::string published_llama3 = published_digits_rule(kUpTo3Digits);
  const std::string newline = R"([\r\n])", cjk(kDeepSeekCjk);
  return {
      {"gpt-2", {gpt2}, false, false, {}},
      {"mpt", {gpt2}, false, false, {}},
      {"llama-bpe", {llama3}, true, true, published_llama3},
      {"llama3", {llama3}, true, true, published_llama3},
      {"qwen2", {digits_rule(kDigit)}, false, false, published_digits_rule(kDigit)},
      {"tekken", {tekken}, true, true, {}},
      {"pixtral", {llama3}, true, true, tekken},
      {"deepseek-llm",
       {newline, std::string(kDeepSeekWord), std::string(kDeepSeekSymbols), std::string(kTrailingSpace), cjk,
        R"(\p{N}+)"},
       false,
       false,
       {}},
      {"deepseek-coder", {newline, R"(\s?\p{L}+)", R"(\s?\p{P}+)", cjk, std::string(kDigit)}, false, false, {}},
      {"falcon", {R"([\p{P}\$\+<=>\^~\|`]+)", gpt2, R"([0-9][0-9][0-9])"}, false, false, {}},
  };
}

const std::vector<PretokenizerRule>& rules() {
  static const std::vector<PretokenizerRule> all = make_rules();
  return all;
}

}  // namespace

Result<const PretokenizerRule*> find_pretokenizer_rule(std::string_view name) {
  std::vector<std::string_view> names;
  for (const PretokenizerRule& rule : rules()) {
    if (rule.name == name) return &rule;
    names.push_back(rule.name);
  }
  return Error::unsupported("pre-tokenizer rule {} is not known; known are {}", quote(name), fmt::join(names, ", "));
}

bool spells_rule(const std::vector<SplitStep>& split, const PretokenizerRule& rule) {
  std::vector<std::string> expressions;
  for (const SplitStep& step : split) {
    if (step.drop != SplitStep::Drop::kNothing) return false;
    expressions.push_back(step.regex);
  }
  if (expressions == rule.expressions) return true;
  return !rule.published.empty() && expressions == std::vector{rule.published};
}

std::string_view name_of_rule(const std::vector<SplitStep>& split) {
  for (const PretokenizerRule& rule : rules())
    if (spells_rule(split, rule)) return rule.name;
  return {};
}

SplitStep gpt2_split() {
  return {std::string(kGpt2)};
}

Result<std::vector<SplitStep>> split_of(const std::vector<SplitStep>& split, std::string_view pre) {
  if (!split.empty()) return split;
  TRY_ASSIGN(const PretokenizerRule* rule, find_pretokenizer_rule(pre));
  std::vector<SplitStep> steps;
  for (const std::string& expression : rule->expressions) steps.push_back({expression});
  return steps;
}

}  // namespace adder
