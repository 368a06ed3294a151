#include "core/text/stream_decoder.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"
#include "core/base/utf8.h"
#include "core/text/tiny_vocabulary_test.h"

namespace adder {
namespace {

class StreamDecoderTest : public testing::Test {
 protected:
  /// What each byte makes the decoder emit, with a bar after each, then what `finish` gives.
  std::string emitted(std::string_view bytes, StreamDecoder decoder) const {
    std::string text;
    for (const char c : bytes) text += decoder.push(static_cast<uint8_t>(c)) + "|";
    return text + decoder.finish();
  }
  std::string emitted(std::string_view bytes) const { return emitted(bytes, StreamDecoder(tokenizer_)); }

  const Tokenizer tokenizer_ = Tokenizer::from_data(tiny_vocabulary()).value();
};

TEST_F(StreamDecoderTest, HoldsBackPartsOfCodePoints) {
  EXPECT_EQ(emitted("aé日🦙z"), "a||é|||日||||🦙|z|");
}

TEST_F(StreamDecoderTest, ReplacesBytesThatCannotBecomeText) {
  EXPECT_EQ(emitted("\xff"
                    "a"),
            "\ufffd|a|");
  EXPECT_EQ(emitted("\x80\x80"), "\ufffd|\ufffd|");
  EXPECT_EQ(emitted("\xc0\xaf"), "\ufffd|\ufffd|") << "overlong";
  EXPECT_EQ(emitted("\xed\xa0\x80"), "|\ufffd\ufffd|\ufffd|") << "a surrogate";
  EXPECT_EQ(emitted("\xe2\x82z"), "||\ufffdz|") << "one replacement for the beginning of a sequence";
  EXPECT_EQ(emitted("\xf0\x9f\xe2\x82\xac"), "||\ufffd||€|");
}

TEST_F(StreamDecoderTest, FinishesWithWhatIsLeft) {
  EXPECT_EQ(emitted("a\xe2\x82"), "a|||\ufffd");
  EXPECT_EQ(emitted("\xf0\x9f\xa6"), "|||\ufffd");
  StreamDecoder decoder(tokenizer_);
  EXPECT_EQ(decoder.push(0xe2), "");
  EXPECT_EQ(decoder.finish(), "\ufffd");
  EXPECT_EQ(decoder.finish(), "");
  EXPECT_EQ(decoder.push('a'), "a");
}

TEST_F(StreamDecoderTest, ControlTokensAreSilentUnlessAsked) {
  StreamDecoder silent(tokenizer_), loud(tokenizer_, true);
  EXPECT_EQ(silent.push(kEos), "");
  EXPECT_EQ(loud.push(kEos), "</s>");
  EXPECT_EQ(silent.push(kTag), "<tag>");
  EXPECT_EQ(silent.push(-1), "");
  EXPECT_EQ(silent.push(kSpaceHello), " hello");
}

TEST_F(StreamDecoderTest, EmitsOnlyWellFormedTextAndAllOfIt) {
  Rng rng(5);
  for (int round = 0; round < 300; ++round) {
    StreamDecoder decoder(tokenizer_);
    std::string bytes, text;
    for (uint32_t n = rng.next_u32() % 30; n > 0; --n) {
      const auto byte = static_cast<uint8_t>(rng.next_u32());
      bytes += static_cast<char>(byte);
      const std::string piece = decoder.push(byte);
      EXPECT_EQ(utf8_valid_prefix(piece), piece.size());
      text += piece;
    }
    text += decoder.finish();
    EXPECT_EQ(utf8_valid_prefix(text), text.size());
    if (utf8_valid_prefix(bytes) == bytes.size()) {
      EXPECT_EQ(text, bytes);
    }
  }
}

}  // namespace
}  // namespace adder
