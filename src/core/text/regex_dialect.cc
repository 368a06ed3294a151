#include "core/text/regex_dialect.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace adder {
namespace {

// Unicode White_Space and its complement as the inside of a character class: \t-\r, U+0085 and category Z.
constexpr std::string_view kSpace =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kNotSpace =
    R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027})"
    R"(\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff})";

constexpr std::array<std::string_view, 38> kCategories = {
    "L",  "Lu", "Ll", "Lt", "Lm", "Lo", "L&", "M",  "Mn", "Mc", "Me", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk", "So", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Co", "Cn", "Any"};

constexpr std::array<std::string_view, 8> kGroups = {"?:", "?=", "?!", "?<=", "?<!", "?>", "?i:", "?i)"};

bool is_letter_or_digit(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}
bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

/// Walks the expression once, copying what both engines agree on.
class Rewriter {
 public:
  explicit Rewriter(std::string_view expression) : in_(expression) {}

  Result<std::string> run() {
    while (at_ < in_.size()) {
      switch (in_[at_]) {
        case '\\':
          TRY(escape());
          break;
        case '[':
          TRY(open_class());
          break;
        case ']':
          TRY(close_class());
          break;
        case '&':
          TRY(ampersand());
          break;
        case '(':
          TRY(group());
          break;
        case '{':
          TRY(braces());
          break;
        case '^':
        case '$':
          anchor();
          break;
        default:
          out_ += in_[at_++];
      }
    }
    if (in_class_) return refuse("a character class that does not end");
    return std::move(out_);
  }

 private:
  Error refuse(std::string_view what) const {
    return Error::unsupported("expression '{}': {} at byte {} is not supported", in_, what, at_);
  }
  bool next_is(std::string_view text, size_t skip = 0) const { return in_.substr(at_ + skip).starts_with(text); }

  Status escape() {
    if (at_ + 1 == in_.size()) return refuse("a backslash at the end");
    const char c = in_[at_ + 1];
    if (!is_letter_or_digit(c)) return copy(2);
    switch (c) {
      case 't':
      case 'n':
      case 'r':
      case 'f':
      case 'a':
      case 'e':
        return copy(2);
      case 'v':
        return replace(2, R"(\x{b})");
      case 's':
        return in_class_ ? replace(2, kSpace) : replace(2, fmt::format("[{}]", kSpace));
      case 'S':
        return in_class_ ? replace(2, kNotSpace) : replace(2, fmt::format("[^{}]", kSpace));
      case 'd':
        return replace(2, R"(\p{Nd})");
      case 'D':
        return replace(2, R"(\P{Nd})");
      case 'p':
      case 'P':
        return property();
      case 'x':
      case 'u':
        return code_point();
      default:
        return refuse(fmt::format("\\{}", c));
    }
  }

  Status property() {
    const size_t close = in_.find('}', at_);
    if (!next_is("{", 2) || close == std::string_view::npos) return refuse("a property without braces");
    std::string_view name = in_.substr(at_ + 3, close - at_ - 3);
    bool negated = in_[at_ + 1] == 'P';
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    const bool category = std::find(kCategories.begin(), kCategories.end(), name) != kCategories.end();
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return is_letter_or_digit(c) || c == '_' || c == '&';
    });
    if (!plain) return refuse(fmt::format("property '{}'", name));
    return replace(close + 1 - at_, fmt::format("\\{}{{{}{}}}", negated ? 'P' : 'p', category ? "" : "sc:", name));
  }

  /// \xHH, \x{H...} and \uHHHH
  Status code_point() {
    const bool u = in_[at_ + 1] == 'u';
    size_t begin = at_ + 2, length = 0, end = 0;
    if (!u && next_is("{", 2)) {
      ++begin;
      while (begin + length < in_.size() && is_hex(in_[begin + length])) ++length;
      end = begin + length + 1;
      if (end > in_.size() || in_[end - 1] != '}' || length == 0 || length > 6) return refuse("a code point");
    } else {
      const size_t digits = u ? 4 : 2;
      while (length < digits && begin + length < in_.size() && is_hex(in_[begin + length])) ++length;
      if (length != digits) return refuse("a code point with too few digits");
      // In Oniguruma \xHH above 7F is a byte of UTF-8, not a code point.
      if (!u && in_[begin] >= '8') return refuse("a byte that is not ASCII");
      end = begin + length;
    }
    return replace(end - at_, fmt::format("\\x{{{}}}", in_.substr(begin, length)));
  }

  Status open_class() {
    if (in_class_) return refuse("a class inside a class");
    in_class_ = true;
    TRY(copy(next_is("^", 1) ? 2 : 1));
    if (next_is("]")) return refuse("']' as the first of a class");
    return {};
  }
  Status close_class() {
    in_class_ = false;
    return copy(1);
  }
  Status ampersand() {
    if (in_class_ && next_is("&&")) return refuse("an intersection of classes");
    return copy(1);
  }
  Status group() {
    if (in_class_) return copy(1);
    if (next_is("*", 1)) return refuse("a verb");
    if (!next_is("?", 1)) return copy(1);
    for (const std::string_view known : kGroups)
      if (next_is(known, 1)) return copy(1 + known.size());
    return refuse("this kind of group");
  }
  Status braces() {
    if (in_class_) return copy(1);
    if (next_is(",", 1)) return refuse("a repeat without a lower bound");
    const size_t close = in_.find('}', at_);
    if (close != std::string_view::npos && close + 1 < in_.size() && in_[close + 1] == '+')
      return refuse("a repeat of a repeat");
    return copy(1);
  }
  void anchor() {
    if (in_class_) {
      out_ += in_[at_++];
      return;
    }
    out_ += fmt::format("(?m:{})", in_[at_++]);
  }

  Status copy(size_t bytes) {
    out_ += in_.substr(at_, bytes);
    at_ += bytes;
    return {};
  }
  Status replace(size_t bytes, std::string_view with) {
    out_ += with;
    at_ += bytes;
    return {};
  }

  std::string_view in_;
  std::string out_;
  size_t at_ = 0;
  bool in_class_ = false;
};

}  // namespace

Result<std::string> pcre2_from_oniguruma(std::string_view expression) {
  return Rewriter(expression).run();
}

std::string quote_regex(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    const bool ascii_symbol = static_cast<unsigned char>(c) < 0x80 && !is_letter_or_digit(c);
    if (ascii_symbol) quoted += '\\';
    quoted += c;
  }
  return quoted;
}

}  // namespace adder
