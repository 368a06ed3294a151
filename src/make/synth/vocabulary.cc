#include "make/synth/vocabulary.h"

#include <array>

#include "core/base/check.h"
#include "core/text/byte_alphabet.h"

namespace adder {
namespace {

constexpr std::array<std::string_view, 18> kNamedSpecials = {"<unk>",
                                                             "<s>",
                                                             "</s>",
                                                             "[INST]",
                                                             "[/INST]",
                                                             "[AVAILABLE_TOOLS]",
                                                             "[/AVAILABLE_TOOLS]",
                                                             "[TOOL_RESULTS]",
                                                             "[/TOOL_RESULTS]",
                                                             "[TOOL_CALLS]",
                                                             "<|im_start|>",
                                                             "<|im_end|>",
                                                             "<think>",
                                                             "</think>",
                                                             "<tool_call>",
                                                             "</tool_call>",
                                                             "<tool_response>",
                                                             "</tool_response>"};
constexpr int64_t kLargeVocabulary = 32768, kManySpecials = 1000;

void add_specials(int64_t count, TokenizerData& data) {
  for (int64_t id = 0; id < count; ++id) {
    const auto i = static_cast<size_t>(id);
    data.tokens.push_back(i < kNamedSpecials.size() ? std::string(kNamedSpecials[i]) : fmt::format("<SPECIAL_{}>", id));
    data.types.push_back(TokenType::kControl);
  }
}

/// Appends `stem` + letter as a token that merges from the two.
void add_word(const std::string& stem, char letter, TokenizerData& data) {
  data.tokens.push_back(stem + letter);
  data.types.push_back(TokenType::kNormal);
  data.merges.push_back(fmt::format("{} {}", stem, letter));
}

/// Breadth first: every word in the list so far gets each letter appended, so a word's stem is always there before it.
void add_words(size_t size, TokenizerData& data) {
  std::vector<std::string> stems = {std::string(byte_letter(' '))};
  for (char letter = 'a'; letter <= 'z'; ++letter) stems.emplace_back(1, letter);
  for (size_t i = 0; data.tokens.size() < size; ++i) {
    const std::string stem = stems[i];
    for (char letter = 'a'; letter <= 'z' && data.tokens.size() < size; ++letter) {
      add_word(stem, letter, data);
      stems.push_back(stem + letter);
    }
  }
}

}  // namespace

TokenizerData synthetic_vocabulary(int64_t size) {
  CHECK(size >= kMinSynthVocab, "{}", size);
  TokenizerData data;
  add_specials(size >= kLargeVocabulary ? kManySpecials : static_cast<int64_t>(kNamedSpecials.size()), data);
  for (int byte = 0; byte < 256; ++byte) {
    data.tokens.emplace_back(byte_letter(static_cast<uint8_t>(byte)));
    data.types.push_back(TokenType::kNormal);
  }
  add_words(static_cast<size_t>(size), data);
  data.pre = "pixtral";
  data.ignore_merges = true;
  data.add_bos = true;
  data.unk = data.pad = 0;
  data.bos = 1;
  data.eos = 11;
  data.stop_ids = {2, 11};
  return data;
}

}  // namespace adder
