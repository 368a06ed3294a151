#include "core/template/string_literal.h"

#include <charconv>

#include "core/base/check.h"

namespace adder::jinja {
namespace {

struct Escape {
  char letter, meaning;
};
constexpr Escape kEscapes[] = {{'n', '\n'}, {'t', '\t'}, {'r', '\r'},  {'b', '\b'},  {'f', '\f'},
                               {'v', '\v'}, {'a', '\a'}, {'\\', '\\'}, {'\'', '\''}, {'"', '"'}};

/// `digits` of them in `base`, from the front of `rest`.
Result<uint32_t> number(std::string_view rest, size_t digits, int base) {
  uint32_t value = 0;
  const std::string_view text = rest.substr(0, digits);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.size() < digits || parsed.ptr != text.data() + text.size())
    return Error::corrupt("an escape in a string needs {} digits", digits);
  if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
    return Error::corrupt("an escape in a string gives U+{:04X}, which is no character", value);
  return value;
}

}  // namespace

void append_utf8(uint32_t c, std::string& out) {
  const auto tail = [](uint32_t bits) { return static_cast<char>(0x80 | (bits & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += {static_cast<char>(0xC0 | c >> 6), tail(c)};
  } else if (c < 0x10000) {
    out += {static_cast<char>(0xE0 | c >> 12), tail(c >> 6), tail(c)};
  } else {
    out += {static_cast<char>(0xF0 | c >> 18), tail(c >> 12), tail(c >> 6), tail(c)};
  }
}

uint32_t code_point_of(std::string_view utf8) {
  CHECK(!utf8.empty());
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(utf8[i])); };
  if (utf8.size() == 1) return byte(0);
  uint32_t value = byte(0) & (0x3Fu >> (utf8.size() - 1));
  for (size_t i = 1; i < utf8.size(); ++i) value = value << 6 | (byte(i) & 0x3F);
  return value;
}

Result<std::string> resolve_escapes(std::string_view literal) {
  std::string out;
  for (size_t at = 0; at < literal.size(); ++at) {
    if (literal[at] != '\\' || at + 1 == literal.size()) {
      out += literal[at];
      continue;
    }
    const char c = literal[++at];
    const std::string_view behind = literal.substr(at + 1);
    if (c == '\n') continue;
    if (c == 'N') return Error::unsupported("\\N{{...}} in a string is not supported");
    if (const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0; digits != 0) {
      TRY_ASSIGN(const uint32_t value, number(behind, digits, 16));
      append_utf8(value, out);
      at += digits;
    } else if (c >= '0' && c <= '7') {
      size_t octal = 1;
      while (octal < 3 && at + octal < literal.size() && literal[at + octal] >= '0' && literal[at + octal] <= '7')
        ++octal;
      TRY_ASSIGN(const uint32_t value, number(literal.substr(at), octal, 8));
      append_utf8(value, out);
      at += octal - 1;
    } else {
      const Escape* known = nullptr;
      for (const Escape& escape : kEscapes)
        if (escape.letter == c) known = &escape;
      if (known == nullptr) out += '\\';
      out += known == nullptr ? c : known->meaning;
    }
  }
  return out;
}

}  // namespace adder::jinja
