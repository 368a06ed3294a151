#include "core/base/byte_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace adder {
namespace {

constexpr double kMost = 9e18;  // below 2^63

std::optional<double> unit_bytes(std::string_view given) {
  std::string unit(given);
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return std::tolower(c); });
  if (unit.empty() || unit == "b") return 1;
  double decimal = 1, binary = 1;
  for (const char prefix : {'k', 'm', 'g', 't'}) {
    decimal *= 1000;
    binary *= 1024;
    if (unit == std::string{prefix, 'b'}) return decimal;
    if (unit == std::string{prefix, 'i', 'b'}) return binary;
  }
  return {};
}

}  // namespace

Result<int64_t> parse_byte_size(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  std::string_view rest = text.substr(static_cast<size_t>(end - text.data()));
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  const std::optional<double> unit = unit_bytes(rest);
  const double bytes = number * unit.value_or(0);
  if (error != std::errc() || !unit || !(bytes >= 1 && bytes <= kMost))
    return Error::usage("'{}' is no size in bytes; expected a number and B, kB, MB, GB, KiB, MiB or GiB", text);
  return static_cast<int64_t>(bytes);
}

std::string byte_size_text(int64_t bytes) {
  const auto b = static_cast<double>(bytes);
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  if (bytes < 10'000'000) return fmt::format("{:.1f} kB", b / 1e3);
  if (bytes < 10'000'000'000) return fmt::format("{:.1f} MB", b / 1e6);
  return fmt::format("{:.2f} GB", b / 1e9);
}

}  // namespace adder
