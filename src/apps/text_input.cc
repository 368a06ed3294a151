#include "apps/text_input.h"

#include <array>
#include <cstdio>

namespace adder {

Result<std::string> read_stdin(size_t limit) {
  std::string text;
  std::array<char, 65536> buffer;
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), stdin)) {
    text.append(buffer.data(), n);
    if (text.size() > limit) return Error::too_large("standard input: more than {} bytes", limit);
  }
  if (std::ferror(stdin) != 0) return Error::io("standard input: cannot be read");
  return text;
}

Result<std::string> text_or_stdin(const std::string& text) {
  if (text == "-") return read_stdin();
  return text;
}

}  // namespace adder
