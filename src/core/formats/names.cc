#include "core/formats/names.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

namespace adder {

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i++]);
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    // The second byte's range is what excludes overlong forms, surrogates and values past U+10FFFF (table 3-7 of the
    // Unicode standard).
    uint8_t low = 0x80, high = 0xbf;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    for (int k = 0; k < more; ++k, low = 0x80, high = 0xbf) {
      if (i == text.size()) return false;
      const auto byte = static_cast<uint8_t>(text[i++]);
      if (byte < low || byte > high) return false;
    }
  }
  return true;
}

std::string quote(std::string_view text) {
  constexpr size_t kLimit = 80;
  std::string out = "'";
  for (const char c : text.substr(0, kLimit)) {
    if (c >= 0x20 && c < 0x7f)
      out += c;
    else
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
  }
  out += text.size() > kLimit ? "...'" : "'";
  return out;
}

}  // namespace adder
