#include "core/text/utf8.h"

#include <algorithm>

namespace adder {
namespace {

struct Lead {
  size_t length = 0;                // of the whole sequence; 0: no sequence begins with this byte
  uint8_t low = 0x80, high = 0xbf;  // bounds of the second byte, which rule out overlong forms and surrogates
};

Lead lead_of(uint8_t byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xc2) return {};
  if (byte < 0xe0) return {2};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte < 0xf0) return {3};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte < 0xf4) return {4};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {};
}

/// How many bytes of `text` agree with the sequence its first byte announces.
size_t agreeing_bytes(std::string_view text, const Lead& lead) {
  size_t n = 1;
  for (; n < std::min(lead.length, text.size()); ++n) {
    const auto byte = static_cast<uint8_t>(text[n]);
    if (byte < (n == 1 ? lead.low : 0x80) || byte > (n == 1 ? lead.high : 0xbf)) break;
  }
  return n;
}

}  // namespace

size_t utf8_sequence_length(std::string_view text) {
  if (text.empty()) return 0;
  const Lead lead = lead_of(static_cast<uint8_t>(text[0]));
  if (lead.length <= 1) return lead.length;
  return agreeing_bytes(text, lead) == lead.length ? lead.length : 0;
}

size_t utf8_valid_prefix(std::string_view text) {
  size_t at = 0;
  while (const size_t length = utf8_sequence_length(text.substr(at))) at += length;
  return at;
}

bool utf8_is_incomplete(std::string_view text) {
  if (text.empty()) return false;
  const Lead lead = lead_of(static_cast<uint8_t>(text[0]));
  return lead.length > text.size() && agreeing_bytes(text, lead) == text.size();
}

}  // namespace adder
