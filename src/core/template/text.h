#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adder::jinja {

/// A string that knows of each of its bytes whether the template wrote it or only quotes it from a message. Every
/// operation carries the marks along, so that in the rendered text nothing quoted can pass for the template's own words
/// (see Rendered).
///
/// Positions and lengths are in characters, as in Python: code points, and one for each broken piece of what is not
/// UTF-8.
class Text {
 public:
  Text() = default;
  explicit Text(std::string_view bytes, bool quoted = false) : bytes_(bytes), marks_(bytes.size(), quoted ? 1 : 0) {}

  const std::string& bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  bool quoted(size_t byte) const { return marks_[byte] != 0; }

  void append(const Text& more);
  void append(std::string_view more, bool quoted = false);
  /// Bytes [begin, end).
  Text cut(size_t begin, size_t end) const;

  size_t length() const;
  std::vector<Text> characters() const;
  /// Python's text[begin:end] for 0 <= begin <= end <= length().
  Text slice(size_t begin, size_t end) const;

  enum class Side { kBoth, kLeft, kRight };
  /// Without what is white space to Python, or is one of `characters`, at the ends.
  Text strip(Side side = Side::kBoth, const std::optional<std::string>& characters = std::nullopt) const;
  /// Python's split: at each `separator` (not empty), or at runs of white space if there is none, `most` times if that
  /// is not negative, counted from the right if `from_right`.
  std::vector<Text> split(const std::optional<std::string>& separator, int64_t most, bool from_right) const;
  /// Without line ends.
  std::vector<Text> lines() const;

  /// ASCII letters alone change.
  Text upper() const;
  Text lower() const;
  Text capitalize() const;   ///< the first letter upper, all others lower
  Text title() const;        ///< so for each word, as str.title finds them: an apostrophe ends one
  Text title_words() const;  ///< as Jinja's filter finds them: white space and -({[< end one

 private:
  Text map_letters(bool upper_first, bool upper_rest, bool each_word) const;

  std::string bytes_;
  std::string marks_;  // 1 where quoted
};

/// Where `needle` begins in `bytes` at or after `from`, or npos. Time is linear whatever the two hold.
size_t find_bytes(std::string_view bytes, std::string_view needle, size_t from = 0);

/// The bytes of the white space that `bytes` begins with or ends with: one character, or 0. Python's str.isspace.
size_t space_at_begin(std::string_view bytes);
size_t space_at_end(std::string_view bytes);

}  // namespace adder::jinja
