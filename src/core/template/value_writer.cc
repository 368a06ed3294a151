#include "core/template/value_writer.h"

#include <algorithm>
#include <cmath>

#include "core/base/utf8.h"
#include "core/template/string_literal.h"

namespace adder::jinja {
namespace {

/// What both notations share: the walk over lists and mappings.
class Writer {
 public:
  explicit Writer(Budget& budget) : budget_(budget) {}
  virtual ~Writer() = default;
  Text take() { return std::move(out_); }

  Status write(const Value& value, int level = 0) {
    TRY(budget_.spend_steps(1));
    switch (value.kind()) {
      case Value::Kind::kText:
        TRY(budget_.spend_bytes(value.as_text().bytes().size()));
        string(value.as_text());
        return {};
      case Value::Kind::kInteger:
        out_.append(std::to_string(value.as_integer()));
        return {};
      case Value::Kind::kList:
        return list(value.as_list(), level);
      case Value::Kind::kMap:
        return map(value.as_map(), level);
      default:
        return simple(value);
    }
  }

 protected:
  virtual void string(const Text& text) = 0;
  virtual Status simple(const Value& value) = 0;
  virtual Status list(const Value::List& items, int level) = 0;
  virtual Status map(const Map& entries, int level) = 0;

  Budget& budget_;
  Text out_;
};

/// Whether Python shows the character itself; beyond ASCII and white space, all are taken to be.
bool is_printable(std::string_view character) {
  if (character == " ") return true;
  const uint32_t c = code_point_of(character);
  return c >= 0x20 && c != 0x7f && !(c > 0x7f && c < 0xa0) && c != 0xad && space_at_begin(character) == 0;
}

class PythonWriter : public Writer {
 public:
  using Writer::Writer;

 private:
  void string(const Text& text) override {
    const std::string& bytes = text.bytes();
    const char quote = bytes.find('\'') != std::string::npos && bytes.find('"') == std::string::npos ? '"' : '\'';
    out_.append(std::string_view(&quote, 1));
    for (size_t at = 0; at < bytes.size();) {
      const size_t n = utf8_next(std::string_view(bytes).substr(at)).bytes;
      character(std::string_view(bytes).substr(at, n), quote, text.quoted(at));
      at += n;
    }
    out_.append(std::string_view(&quote, 1));
  }

  void character(std::string_view c, char quote, bool quoted) {
    if (c[0] == quote || c == "\\") {
      out_.append("\\", quoted);
      out_.append(c, quoted);
    } else if (c == "\n" || c == "\r" || c == "\t") {
      out_.append(c == "\n" ? "\\n" : c == "\r" ? "\\r" : "\\t", quoted);
    } else if (is_printable(c)) {
      out_.append(c, quoted);
    } else {
      const uint32_t code = code_point_of(c);
      out_.append(code < 0x100 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code), quoted);
    }
  }

  Status simple(const Value& value) override {
    switch (value.kind()) {
      case Value::Kind::kNone:
        out_.append("None");
        break;
      case Value::Kind::kBool:
        out_.append(value.as_bool() ? "True" : "False");
        break;
      case Value::Kind::kFloat:
        out_.append(float_text(value.as_number()));
        break;
      case Value::Kind::kUndefined:
        out_.append("Undefined");
        break;
      default:
        return Error::corrupt("a {} has no text", value.kind_name());
    }
    return {};
  }

  Status list(const Value::List& items, int level) override {
    out_.append("[");
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_.append(", ");
      TRY(write(items[i], level + 1));
    }
    out_.append("]");
    return {};
  }

  Status map(const Map& entries, int level) override {
    out_.append("{");
    bool first = true;
    for (const auto& [key, value] : entries.entries()) {
      if (!std::exchange(first, false)) out_.append(", ");
      string(key);
      out_.append(": ");
      TRY(write(value, level + 1));
    }
    out_.append("}");
    return {};
  }
};

class JsonWriter : public Writer {
 public:
  JsonWriter(const JsonStyle& style, Budget& budget) : Writer(budget), style_(style) {}

 private:
  void string(const Text& text) override {
    out_.append("\"");
    const std::string& bytes = text.bytes();
    for (size_t at = 0; at < bytes.size();) {
      const size_t n = utf8_next(std::string_view(bytes).substr(at)).bytes;
      character(std::string_view(bytes).substr(at, n), text.quoted(at));
      at += n;
    }
    out_.append("\"");
  }

  void character(std::string_view c, bool quoted) {
    static constexpr std::string_view kLetters = "\"\"\\\\\nn\rr\tt\bb\ff";
    for (size_t i = 0; i < kLetters.size(); i += 2) {
      if (c[0] == kLetters[i]) {
        out_.append("\\", quoted);
        out_.append(kLetters.substr(i + 1, 1), quoted);
        return;
      }
    }
    const auto byte = static_cast<unsigned char>(c[0]);
    if (byte < 0x20 || (style_.ascii && byte >= 0x7f + 1)) {
      escape(code_point_of(c), quoted);
    } else {
      out_.append(c, quoted);
    }
  }

  void escape(uint32_t code, bool quoted) {
    if (code >= 0x10000) {
      code -= 0x10000;
      out_.append(fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff)), quoted);
    } else {
      out_.append(fmt::format("\\u{:04x}", code), quoted);
    }
  }

  Status simple(const Value& value) override {
    switch (value.kind()) {
      case Value::Kind::kNone:
        out_.append("null");
        return {};
      case Value::Kind::kBool:
        out_.append(value.as_bool() ? "true" : "false");
        return {};
      case Value::Kind::kFloat: {
        const double number = value.as_number();
        out_.append(std::isnan(number)   ? "NaN"
                    : std::isinf(number) ? (number < 0 ? "-Infinity" : "Infinity")
                                         : float_text(number));
        return {};
      }
      default:
        return Error::corrupt("{} cannot be written as JSON", value.kind_name());
    }
  }

  Status line_end(int level) {
    if (style_.indent < 0) return {};
    const size_t blanks = static_cast<size_t>(style_.indent) * static_cast<size_t>(level);
    TRY(budget_.spend_bytes(blanks));
    out_.append("\n");
    out_.append(std::string(blanks, ' '));
    return {};
  }

  Status list(const Value::List& items, int level) override {
    out_.append("[");
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_.append(style_.item_separator);
      TRY(line_end(level + 1));
      TRY(write(items[i], level + 1));
    }
    if (!items.empty()) TRY(line_end(level));
    out_.append("]");
    return {};
  }

  Status map(const Map& map, int level) override {
    std::vector<const Map::Entry*> entries;
    for (const Map::Entry& entry : map.entries()) entries.push_back(&entry);
    if (style_.sort_keys)
      std::sort(entries.begin(), entries.end(),
                [](const auto* a, const auto* b) { return a->first.bytes() < b->first.bytes(); });
    out_.append("{");
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out_.append(style_.item_separator);
      TRY(line_end(level + 1));
      TRY(budget_.spend_bytes(entries[i]->first.bytes().size()));
      string(entries[i]->first);
      out_.append(style_.key_separator);
      TRY(write(entries[i]->second, level + 1));
    }
    if (!entries.empty()) TRY(line_end(level));
    out_.append("}");
    return {};
  }

  const JsonStyle& style_;
};

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

Result<Text> to_text(const Value& value, Budget& budget) {
  if (value.is_undefined()) return Text();
  if (value.is_text()) {
    TRY(budget.spend_bytes(value.as_text().bytes().size()));
    return value.as_text();
  }
  PythonWriter writer(budget);
  TRY(writer.write(value));
  return writer.take();
}

Result<Text> to_json(const Value& value, const JsonStyle& style, Budget& budget) {
  if (style.indent > 1000) return Error::corrupt("tojson: an indent of {}", style.indent);
  JsonWriter writer(style, budget);
  TRY(writer.write(value));
  return writer.take();
}

}  // namespace adder::jinja
