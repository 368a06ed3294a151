#include "core/template/text.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/check.h"
#include "core/base/utf8.h"

namespace adder::jinja {
namespace {

constexpr std::array<std::string_view, 29> kSpaces = {
    "\t",           "\n",           "\v",           "\f",           "\r",
    "\x1c",         "\x1d",         "\x1e",         "\x1f",         " ",
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
    "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
    "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

/// Bytes of the line end that `rest` begins with, or 0. Python's str.splitlines knows these.
size_t line_end_bytes(std::string_view rest) {
  if (rest.starts_with("\r\n")) return 2;
  for (const std::string_view end :
       {"\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"})
    if (rest.starts_with(end)) return end.size();
  return 0;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Bytes of the last character; `bytes` is not empty.
size_t last_character(std::string_view bytes) {
  for (size_t n = std::min<size_t>(4, bytes.size()); n > 1; --n) {
    const Utf8Piece piece = utf8_next(bytes.substr(bytes.size() - n));
    if (piece.kind == Utf8Piece::Kind::kCodePoint && piece.bytes == n) return n;
  }
  return 1;
}

}  // namespace

size_t find_bytes(std::string_view bytes, std::string_view needle, size_t from) {
  if (needle.empty() || from > bytes.size()) return from <= bytes.size() ? from : std::string_view::npos;
  const void* found = memmem(bytes.data() + from, bytes.size() - from, needle.data(), needle.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
}

size_t space_at_begin(std::string_view bytes) {
  for (const std::string_view space : kSpaces)
    if (bytes.starts_with(space)) return space.size();
  return 0;
}

size_t space_at_end(std::string_view bytes) {
  for (const std::string_view space : kSpaces)
    if (bytes.ends_with(space)) return space.size();
  return 0;
}

void Text::append(const Text& more) {
  bytes_ += more.bytes_;
  marks_ += more.marks_;
}

void Text::append(std::string_view more, bool quoted) {
  bytes_ += more;
  marks_.append(more.size(), quoted ? 1 : 0);
}

Text Text::cut(size_t begin, size_t end) const {
  CHECK(begin <= end && end <= bytes_.size());
  Text part;
  part.bytes_ = bytes_.substr(begin, end - begin);
  part.marks_ = marks_.substr(begin, end - begin);
  return part;
}

size_t Text::length() const {
  size_t n = 0;
  for (std::string_view rest = bytes_; !rest.empty(); rest.remove_prefix(utf8_next(rest).bytes)) ++n;
  return n;
}

std::vector<Text> Text::characters() const {
  std::vector<Text> all;
  for (size_t at = 0; at < bytes_.size();) {
    const size_t next = at + utf8_next(std::string_view(bytes_).substr(at)).bytes;
    all.push_back(cut(at, next));
    at = next;
  }
  return all;
}

Text Text::slice(size_t begin, size_t end) const {
  size_t at = 0, first = 0;
  for (size_t n = 0; n < end && at < bytes_.size(); ++n) {
    if (n == begin) first = at;
    at += utf8_next(std::string_view(bytes_).substr(at)).bytes;
  }
  return begin >= end ? Text() : cut(first, at);
}

Text Text::strip(Side side, const std::optional<std::string>& characters) const {
  const auto drop_begin = [&](std::string_view rest) -> size_t {
    if (!characters) return space_at_begin(rest);
    const size_t n = utf8_next(rest).bytes;
    return find_bytes(*characters, rest.substr(0, n)) != std::string::npos ? n : 0;
  };
  const auto drop_end = [&](std::string_view rest) -> size_t {
    if (!characters) return space_at_end(rest);
    const size_t n = last_character(rest);
    return find_bytes(*characters, rest.substr(rest.size() - n)) != std::string::npos ? n : 0;
  };
  const std::string_view all = bytes_;
  size_t begin = 0, end = all.size();
  if (side != Side::kRight)
    for (size_t n; begin < end && (n = drop_begin(all.substr(begin, end - begin))) != 0;) begin += n;
  if (side != Side::kLeft)
    for (size_t n; begin < end && (n = drop_end(all.substr(begin, end - begin))) != 0;) end -= n;
  return cut(begin, end);
}

std::vector<Text> Text::split(const std::optional<std::string>& separator, int64_t most, bool from_right) const {
  const std::string_view all = bytes_;
  struct Gap {
    size_t begin, end;
  };
  std::vector<Gap> gaps;
  if (separator) {
    for (size_t at = 0; (at = find_bytes(all, *separator, at)) != all.npos; at += separator->size())
      gaps.push_back({at, at + separator->size()});
  } else {
    for (size_t at = 0; at < all.size();) {
      const size_t n = space_at_begin(all.substr(at));
      if (n == 0) {
        at += utf8_next(all.substr(at)).bytes;
        continue;
      }
      if (gaps.empty() || gaps.back().end != at) gaps.push_back({at, at});
      gaps.back().end = at += n;
    }
  }
  // White space at the ends separates nothing; where words are left over, they keep what is at their outer end.
  size_t begin = 0, end = all.size();
  const auto enough = [&] { return most < 0 || gaps.size() <= static_cast<size_t>(most); };
  const auto drop_first = [&] {
    if (separator || gaps.empty() || gaps.front().begin != 0) return;
    if (from_right && !enough()) return;
    begin = gaps.front().end;
    gaps.erase(gaps.begin());
  };
  const auto drop_last = [&] {
    if (separator || gaps.empty() || gaps.back().end != all.size()) return;
    if (from_right || enough()) end = gaps.back().begin;
    gaps.pop_back();
  };
  from_right ? drop_last() : drop_first();
  from_right ? drop_first() : drop_last();
  if (!separator && begin >= end) return {};
  if (most >= 0 && gaps.size() > static_cast<size_t>(most)) {
    const auto surplus = static_cast<std::ptrdiff_t>(gaps.size()) - static_cast<std::ptrdiff_t>(most);
    if (from_right) {
      gaps.erase(gaps.begin(), gaps.begin() + surplus);
    } else {
      gaps.erase(gaps.end() - surplus, gaps.end());
    }
  }
  std::vector<Text> parts;
  for (const Gap& gap : gaps) {
    parts.push_back(cut(begin, gap.begin));
    begin = gap.end;
  }
  parts.push_back(cut(begin, end));
  return parts;
}

std::vector<Text> Text::lines() const {
  std::vector<Text> all;
  size_t begin = 0;
  for (size_t at = 0; at < bytes_.size();) {
    const std::string_view rest = std::string_view(bytes_).substr(at);
    const size_t n = line_end_bytes(rest);
    if (n == 0) {
      at += utf8_next(rest).bytes;
      continue;
    }
    all.push_back(cut(begin, at));
    begin = at += n;
  }
  if (begin < bytes_.size()) all.push_back(cut(begin, bytes_.size()));
  return all;
}

Text Text::map_letters(bool upper_first, bool upper_rest, bool each_word) const {
  Text mapped = *this;
  bool first = true;
  for (char& c : mapped.bytes_) {
    const bool letter = is_letter(c) || static_cast<unsigned char>(c) >= 0x80;
    c = (first ? upper_first : upper_rest) ? to_upper(c) : to_lower(c);
    first = each_word && !letter;
  }
  return mapped;
}

Text Text::upper() const {
  return map_letters(true, true, false);
}
Text Text::lower() const {
  return map_letters(false, false, false);
}
Text Text::capitalize() const {
  return map_letters(true, false, false);
}
Text Text::title() const {
  return map_letters(true, false, true);
}

Text Text::title_words() const {
  Text mapped = lower();
  bool first = true;
  for (size_t at = 0; at < bytes_.size(); ++at) {
    if (first) mapped.bytes_[at] = to_upper(bytes_[at]);
    const std::string_view c = std::string_view(bytes_).substr(at, 1);
    first = space_at_begin(c) != 0 || std::string_view("-({[<").find(c) != std::string_view::npos;
  }
  return mapped;
}

}  // namespace adder::jinja
