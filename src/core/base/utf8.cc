#include "core/base/utf8.h"

#include <cstdint>
#include <cstring>

#include "core/base/check.h"

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

bool is_ascii8(const char* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word & 0x8080808080808080u) == 0;
}

}  // namespace

Utf8Piece utf8_next(std::string_view text) {
  DCHECK(!text.empty());
  const Lead lead = lead_of(static_cast<uint8_t>(text[0]));
  if (lead.length == 0) return {Utf8Piece::Kind::kBroken, 1};
  for (size_t n = 1; n < lead.length; ++n) {
    if (n == text.size()) return {Utf8Piece::Kind::kTruncated, n};
    const auto byte = static_cast<uint8_t>(text[n]);
    if (byte < (n == 1 ? lead.low : 0x80) || byte > (n == 1 ? lead.high : 0xbf)) return {Utf8Piece::Kind::kBroken, n};
  }
  return {Utf8Piece::Kind::kCodePoint, lead.length};
}

size_t utf8_valid_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    if (at + 8 <= text.size() && is_ascii8(text.data() + at)) {
      at += 8;
      continue;
    }
    const Utf8Piece next = utf8_next(text.substr(at));
    if (next.kind != Utf8Piece::Kind::kCodePoint) break;
    at += next.bytes;
  }
  return at;
}

}  // namespace adder
