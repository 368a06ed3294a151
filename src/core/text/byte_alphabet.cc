#include "core/text/byte_alphabet.h"

#include <array>

namespace adder {
namespace {

constexpr uint32_t kOtherBase = 0x100, kOthers = 68;

constexpr bool stands_for_itself(uint32_t byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

struct Alphabet {
  struct Letter {
    std::array<char, 2> utf8{};
    size_t size = 0;
  };
  std::array<Letter, 256> letters{};
  std::array<int16_t, kOtherBase + kOthers> bytes{};  // by code point; -1: not a letter

  constexpr Alphabet() {
    bytes.fill(-1);
    uint32_t others = 0;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const uint32_t code_point = stands_for_itself(byte) ? byte : kOtherBase + others++;
      bytes[code_point] = static_cast<int16_t>(byte);
      Letter& letter = letters[byte];
      if (code_point < 0x80) {
        letter = {{static_cast<char>(code_point)}, 1};
      } else {
        letter = {{static_cast<char>(0xc0 | (code_point >> 6)), static_cast<char>(0x80 | (code_point & 0x3f))}, 2};
      }
    }
  }
};

constexpr Alphabet kAlphabet;

}  // namespace

std::string_view byte_letter(uint8_t byte) {
  const auto& letter = kAlphabet.letters[byte];
  return {letter.utf8.data(), letter.size};
}

void append_byte_letters(std::string_view bytes, std::string& letters) {
  for (const char c : bytes) letters += byte_letter(static_cast<uint8_t>(c));
}

std::optional<std::string> bytes_of_letters(std::string_view letters) {
  std::string bytes;
  for (size_t at = 0; at < letters.size();) {
    const auto first = static_cast<uint8_t>(letters[at++]);
    uint32_t code_point = first;
    if (first >= 0x80) {  // the alphabet ends below U+0800: two bytes at most, lead C2 to C5
      if (first < 0xc2 || first > 0xdf || at == letters.size()) return std::nullopt;
      const auto second = static_cast<uint8_t>(letters[at++]);
      if (second < 0x80 || second > 0xbf) return std::nullopt;
      code_point = ((first & 0x1fu) << 6) | (second & 0x3fu);
    }
    if (code_point >= kAlphabet.bytes.size() || kAlphabet.bytes[code_point] < 0) return std::nullopt;
    bytes += static_cast<char>(kAlphabet.bytes[code_point]);
  }
  return bytes;
}

}  // namespace adder
