#include "core/formats/json_lines.h"

#include <algorithm>

namespace adder {

Status for_each_json_line(std::string_view text, std::string_view name,
                          const std::function<Status(std::string_view line)>& on_line) {
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    if (Status done = on_line(line); !done) return std::move(done).error().in(fmt::format("{}:{}", name, number));
  }
  return {};
}

}  // namespace adder
