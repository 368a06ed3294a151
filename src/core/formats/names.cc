#include "core/formats/names.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

namespace adder {

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
