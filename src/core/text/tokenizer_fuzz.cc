// Bytes in two roles. As text: encoding and decoding must give the same bytes back, whole and streamed. As the
// description of a tokenizer (first byte even): building one must end in a tokenizer that works or in an error.
#include <cstdlib>

#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/text/pretokenizer_rules.h"
#include "core/text/stream_decoder.h"
#include "core/text/tiny_vocabulary_test.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

constexpr const char* kRules[] = {"gpt-2", "pixtral", "qwen2", "tekken", "deepseek-llm", "deepseek-coder", "falcon"};

const std::vector<Tokenizer>& tokenizers() {
  static const std::vector<Tokenizer> all = [] {
    std::vector<Tokenizer> made;
    for (const char* rule : kRules) {
      TokenizerData data = tiny_vocabulary();
      data.pre = rule;
      data.ignore_merges = made.size() % 2 == 0;
      made.push_back(std::move(Tokenizer::from_data(std::move(data))).value());
    }
    return made;
  }();
  return all;
}

void round_trip(const Tokenizer& tokenizer, std::string_view text) {
  for (const bool parse_special : {false, true}) {
    const auto ids = tokenizer.encode(text, {.parse_special = parse_special});
    CHECK(tokenizer.decode(ids, true) == text);
    StreamDecoder stream(tokenizer, true);
    std::string streamed;
    for (const TokenId id : ids) streamed += stream.push(id);
    streamed += stream.finish();
    CHECK(utf8_valid_prefix(streamed) == streamed.size());
    CHECK(utf8_valid_prefix(text) < text.size() || streamed == text);
  }
}

void build(std::string_view bytes) {
  const auto parsed = parse_json(bytes, "fuzz");
  if (parsed) {
    const auto data = tokenizer_from_json(*parsed);
    if (data) {
      if (const auto tokenizer = Tokenizer::from_data(*data)) tokenizer->encode(bytes, {.parse_special = true});
    }
  }
  const auto gguf = Gguf::parse(std::as_bytes(std::span(bytes)), "fuzz");
  if (gguf) {
    if (auto data = tokenizer_from_gguf(*gguf); data) {
      if (const auto tokenizer = Tokenizer::from_data(std::move(*data))) tokenizer->encode(bytes);
    }
  }
  const std::vector<std::string> expressions = {std::string(bytes.substr(0, 200))};
  if (const auto pretokenizer = Pretokenizer::from_regex(expressions)) {
    std::vector<std::string_view> pieces;
    pretokenizer->split(bytes.substr(0, 400), pieces);
  }
}

}  // namespace
}  // namespace adder

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adder;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    build(bytes);
  } else {
    round_trip(tokenizers()[data[0] / 2 % tokenizers().size()], bytes);
  }
  return 0;
}
