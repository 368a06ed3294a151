#include "core/text/stream_decoder.h"

#include "core/base/utf8.h"

namespace adder {

std::string StreamDecoder::push(TokenId id) {
  pending_ += tokenizer_->token_bytes(id, special_);
  std::string text;
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const Utf8Piece next = utf8_next(rest);
    if (next.kind == Utf8Piece::Kind::kTruncated) break;
    text += next.kind == Utf8Piece::Kind::kCodePoint ? rest.substr(0, next.bytes) : kReplacementCharacter;
    rest.remove_prefix(next.bytes);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return text;
}

std::string StreamDecoder::finish() {
  // What waits is always the beginning of one sequence.
  const bool cut_short = !pending_.empty();
  pending_.clear();
  return std::string(cut_short ? kReplacementCharacter : "");
}

}  // namespace adder
