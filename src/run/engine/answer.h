#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/text/stream_decoder.h"
#include "run/engine/engine.h"
#include "run/generate/stop.h"

namespace adder {

/// Tokens to text for the caller: decoder, stop texts, callback.
class Answer {
 public:
  Answer(const GenerateRequest& request, const Tokenizer& tokenizer,
         const std::function<bool(std::string_view)>& on_text)
      : decoder_(tokenizer, request.show_special), stop_(request.stop), on_text_(on_text) {}

  void push(TokenId token) { give(stop_.push(decoder_.push(token))); }
  void finish() {
    std::string rest = stop_.push(decoder_.finish());
    rest += stop_.finish();
    if (!rest.empty()) give(rest);
  }
  void give(std::string_view piece) {
    text_ += piece;
    if (on_text_ && !on_text_(piece)) cancelled_ = true;
  }

  bool stopped() const { return stop_.stopped(); }
  bool cancelled() const { return cancelled_; }
  std::string& text() { return text_; }

 private:
  StreamDecoder decoder_;
  StopMatcher stop_;
  const std::function<bool(std::string_view)>& on_text_;
  std::string text_;
  bool cancelled_ = false;
};

}  // namespace adder
