#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/template/lexer.h"

namespace adder::jinja {

/// Tokens, one after another; the last is kEnd and stays.
class TokenCursor {
 public:
  explicit TokenCursor(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  int line() const { return now().line; }
  bool at(Token::Kind kind) const { return now().kind == kind; }
  bool at_name(std::string_view text) const { return at(Token::Kind::kName) && now().text == text; }
  bool at_operator(std::string_view text) const { return at(Token::Kind::kOperator) && now().text == text; }

  Token take() {
    const Token token = now();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool skip_name(std::string_view text) { return at_name(text) && (take(), true); }
  bool skip_operator(std::string_view text) { return at_operator(text) && (take(), true); }

  Status expect_operator(std::string_view text) {
    if (skip_operator(text)) return {};
    return unexpected(fmt::format("'{}'", text));
  }
  Result<std::string> expect_name(std::string_view what) {
    if (at(Token::Kind::kName)) return take().text;
    return unexpected(what);
  }
  Error unexpected(std::string_view expected) const;

 private:
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

}  // namespace adder::jinja
