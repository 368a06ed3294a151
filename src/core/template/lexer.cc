#include "core/template/lexer.h"

#include <algorithm>
#include <array>

#include "core/formats/names.h"
#include "core/template/string_literal.h"
#include "core/template/text.h"

namespace adder::jinja {
namespace {

constexpr auto kNone = std::string_view::npos;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_byte(char c) {
  return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_sign(char c) {
  return c == '-' || c == '+';
}

std::string with_plain_line_ends(std::string_view source) {
  std::string out;
  for (size_t at = 0; at < source.size(); ++at) {
    if (source[at] != '\r') {
      out += source[at];
    } else {
      out += '\n';
      if (at + 1 < source.size() && source[at + 1] == '\n') ++at;
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(with_plain_line_ends(source)), all_(source_) {}

  Result<std::vector<Token>> run() {
    while (at_ < all_.size()) TRY(piece());
    add(Token::Kind::kEnd, "end of template");
    return std::move(tokens_);
  }

 private:
  char byte(size_t at) const { return at < all_.size() ? all_[at] : '\0'; }
  std::string_view rest() const { return all_.substr(at_); }

  int line() {
    line_ += static_cast<int>(std::count(all_.begin() + static_cast<std::ptrdiff_t>(counted_),
                                         all_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
    counted_ = at_;
    return line_;
  }
  void add(Token::Kind kind, std::string text) { tokens_.push_back({kind, std::move(text), line()}); }
  Error error(std::string_view what) { return Error::corrupt("line {}: {}", line(), what); }

  void skip_space() {
    while (const size_t n = space_at_begin(rest())) at_ += n;
  }

  /// Text up to the next tag, and what that tag opens.
  Status piece() {
    size_t tag = at_;
    do {
      tag = all_.find('{', tag);
    } while (tag != kNone && byte(tag + 1) != '{' && byte(tag + 1) != '%' && byte(tag + 1) != '#' && ++tag != 0);
    data(tag == kNone ? all_.size() : tag, tag != kNone && byte(tag + 1) != '{');
    if (tag == kNone) return {};
    const char open = byte(tag + 1);
    if (open == '#') return comment();
    if (const size_t raw = raw_begin(); raw != kNone) return raw_text(raw);
    add(open == '%' ? Token::Kind::kBlockBegin : Token::Kind::kVariableBegin, open == '%' ? "{%" : "{{");
    at_ = tag + 2 + (is_sign(byte(tag + 2)) ? 1 : 0);
    return inside(open == '%');
  }

  /// The text up to `end`, where a tag begins whose sign decides about white space.
  void data(size_t end, bool blanks_may_go) {
    std::string_view text = all_.substr(at_, end - at_);
    const char sign = byte(end + 2);
    if (end < all_.size() && sign == '-') {
      while (const size_t n = space_at_end(text)) text.remove_suffix(n);
    } else if (end < all_.size() && sign != '+' && blanks_may_go) {
      const size_t newline = text.rfind('\n');
      const bool starts_line = newline != kNone || at_ == 0 || all_[at_ - 1] == '\n';
      const size_t blanks = newline == kNone ? 0 : newline + 1;
      std::string_view left = text.substr(blanks);
      while (const size_t n = space_at_begin(left)) left.remove_prefix(n);
      if (starts_line && left.empty()) text = text.substr(0, blanks);
    }
    if (!text.empty()) add(Token::Kind::kData, std::string(text));
    at_ = end;
  }

  /// After "%}" or "#}" with the sign before it.
  void after_tag(char sign) {
    if (sign == '-') {
      skip_space();
    } else if (sign != '+' && byte(at_) == '\n') {
      ++at_;
    }
  }

  Status comment() {
    const size_t begin = at_ + 2 + (is_sign(byte(at_ + 2)) ? 1 : 0);
    const size_t end = all_.find("#}", begin);
    if (end == kNone) return error("a comment {# without #}");
    const char sign = end > begin ? all_[end - 1] : '\0';
    at_ = end + 2;
    after_tag(sign);
    return {};
  }

  /// Where the text behind {% raw %} begins, if that is what stands here.
  size_t raw_begin() const { return word_tag(at_, "raw"); }
  size_t word_tag(size_t at, std::string_view word) const {
    if (all_.substr(at, 2) != "{%") return kNone;
    at += 2;
    if (is_sign(byte(at))) ++at;
    while (const size_t n = space_at_begin(all_.substr(at))) at += n;
    if (all_.substr(at, word.size()) != word) return kNone;
    at += word.size();
    while (const size_t n = space_at_begin(all_.substr(at))) at += n;
    if (is_sign(byte(at))) ++at;
    return all_.substr(at, 2) == "%}" ? at + 2 : kNone;
  }

  Status raw_text(size_t begin) {
    at_ = begin;
    if (all_[begin - 3] == '-') skip_space();
    for (size_t tag = at_; (tag = all_.find("{%", tag)) != kNone; ++tag) {
      const size_t behind = word_tag(tag, "endraw");
      if (behind == kNone) continue;
      data(tag, true);
      at_ = behind;
      after_tag(all_[behind - 3]);
      return {};
    }
    return error("{% raw %} without {% endraw %}");
  }

  /// The end of the tag, if it stands here: its bytes, or 0.
  size_t tag_end(bool block) const {
    const std::string_view close = block ? "%}" : "}}";
    if (rest().starts_with(close)) return 2;
    const bool sign = byte(at_) == '-' || (block && byte(at_) == '+');
    return sign && all_.substr(at_ + 1, 2) == close ? 3 : 0;
  }

  Status inside(bool block) {
    int open = 0;  // brackets: within them }} closes two dictionaries
    for (;;) {
      skip_space();
      if (at_ == all_.size()) return error(block ? "a tag {% without %}" : "a tag {{ without }}");
      if (const size_t n = open == 0 ? tag_end(block) : 0; n != 0) {
        add(block ? Token::Kind::kBlockEnd : Token::Kind::kVariableEnd, block ? "%}" : "}}");
        const char sign = n == 3 ? all_[at_] : '\0';
        at_ += n;
        if (block || sign == '-') after_tag(sign);
        return {};
      }
      const char c = all_[at_];
      if (c == '\'' || c == '"') {
        TRY(string(c));
      } else if (is_digit(c)) {
        number();
      } else if (is_name_byte(c)) {
        word();
      } else {
        TRY(symbol(open));
      }
    }
  }

  Status string(char delimiter) {
    size_t end = at_ + 1;
    while (end < all_.size() && all_[end] != delimiter) end += all_[end] == '\\' ? 2 : 1;
    if (end >= all_.size()) return error("a string without end");
    TRY_ASSIGN(std::string text, [&]() -> Result<std::string> {
      auto resolved = resolve_escapes(all_.substr(at_ + 1, end - at_ - 1));
      if (!resolved) return error(resolved.error().message());
      return resolved;
    }());
    add(Token::Kind::kString, std::move(text));
    at_ = end + 1;
    return {};
  }

  void number() {
    size_t end = at_;
    const auto digits = [&] {
      while (is_digit(byte(end)) || (byte(end) == '_' && is_digit(byte(end + 1)))) ++end;
    };
    digits();
    bool whole = true;
    const bool after_dot = !tokens_.empty() && tokens_.back().kind == Token::Kind::kOperator &&
                           tokens_.back().text == "." && all_[at_ - 1] == '.';
    if (!after_dot && byte(end) == '.' && is_digit(byte(end + 1))) {
      whole = false;
      ++end;
      digits();
    }
    const size_t exponent = end + (is_sign(byte(end + 1)) ? 2 : 1);
    if (!after_dot && (byte(end) == 'e' || byte(end) == 'E') && is_digit(byte(exponent))) {
      whole = false;
      end = exponent;
      digits();
    }
    std::string text(all_.substr(at_, end - at_));
    std::erase(text, '_');
    add(whole ? Token::Kind::kInteger : Token::Kind::kFloat, std::move(text));
    at_ = end;
  }

  void word() {
    size_t end = at_;
    while (is_name_byte(byte(end))) ++end;
    add(Token::Kind::kName, std::string(all_.substr(at_, end - at_)));
    at_ = end;
  }

  Status symbol(int& open) {
    static constexpr std::array<std::string_view, 26> kSymbols = {"//", "**", "==", "!=", "<=", ">=", "+", "-", "*",
                                                                  "/",  "%",  "~",  "<",  ">",  "=",  ".", ":", "|",
                                                                  ",",  ";",  "(",  ")",  "[",  "]",  "{", "}"};
    const auto found =
        std::find_if(kSymbols.begin(), kSymbols.end(), [&](std::string_view s) { return rest().starts_with(s); });
    if (found == kSymbols.end())
      return error(fmt::format("expected a part of an expression, found {}", quote(rest().substr(0, 1))));
    if (*found == "(" || *found == "[" || *found == "{") ++open;
    if ((*found == ")" || *found == "]" || *found == "}") && --open < 0)
      return error(fmt::format("unexpected '{}'", *found));
    add(Token::Kind::kOperator, std::string(*found));
    at_ += found->size();
    return {};
  }

  const std::string source_;
  const std::string_view all_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  size_t counted_ = 0;  // bytes in which line_ has counted line ends
  int line_ = 1;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) {
  if (source.size() > kMostTemplateBytes)
    return Error::too_large("a template of {} bytes, at most {} are supported", source.size(), kMostTemplateBytes);
  return Lexer(source).run();
}

}  // namespace adder::jinja
