#include "core/text/byte_alphabet.h"

#include <gtest/gtest.h>

#include <set>

namespace adder {
namespace {

TEST(ByteAlphabet, HasTheLettersOfGpt2) {
  EXPECT_EQ(byte_letter('!'), "!");
  EXPECT_EQ(byte_letter('~'), "~");
  EXPECT_EQ(byte_letter(0x00), "\u0100");
  EXPECT_EQ(byte_letter('\t'), "ĉ");
  EXPECT_EQ(byte_letter('\n'), "Ċ");
  EXPECT_EQ(byte_letter(' '), "Ġ");
  EXPECT_EQ(byte_letter(0x7f), "\u0121");
  EXPECT_EQ(byte_letter(0x80), "\u0122");
  EXPECT_EQ(byte_letter(0xa0), "\u0142");
  EXPECT_EQ(byte_letter(0xa1), "¡");
  EXPECT_EQ(byte_letter(0xad), "\u0143");
  EXPECT_EQ(byte_letter(0xff), "ÿ");
}

TEST(ByteAlphabet, SpellsEveryByteOnceAndReadsItBack) {
  std::set<std::string_view> letters;
  std::string bytes, spelled;
  for (int byte = 0; byte < 256; ++byte) {
    letters.insert(byte_letter(static_cast<uint8_t>(byte)));
    bytes += static_cast<char>(byte);
  }
  EXPECT_EQ(letters.size(), 256u);
  append_byte_letters(bytes, spelled);
  EXPECT_EQ(bytes_of_letters(spelled), bytes);
}

TEST(ByteAlphabet, RefusesWhatIsNotALetter) {
  for (const char* text : {" ", "\n", "\u00ad", "\u0144", "€", "日", "🦙", "a\xc4", "\xff", "\xc4z"})
    EXPECT_FALSE(bytes_of_letters(text)) << text;
  EXPECT_EQ(bytes_of_letters(""), "");
}

}  // namespace
}  // namespace adder
