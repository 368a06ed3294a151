#include "core/formats/json.h"

#include <array>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/mapped_file.h"
#include "core/formats/names.h"

namespace adder {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxDepth = 100;
constexpr size_t kMaxFileBytes = size_t{256} << 20;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::array<std::pair<std::string_view, double>, 3> kPythonWords = {
    {{"NaN", std::numeric_limits<double>::quiet_NaN()}, {"Infinity", kInfinity}, {"-Infinity", -kInfinity}}};

/// Text whose Python words have become "0" and spaces, so that bytes stay where they are.
struct Rewritten {
  std::string text;
  std::vector<std::pair<size_t, double>> words;  ///< how many numbers stand before it, and what it says
};

/// A word counts outside quotes and where a number could begin; what follows it is for the parser to judge.
Rewritten rewrite_python_words(std::string_view text) {
  constexpr std::string_view kBeforeValue = " \t\r\n[,:", kNumberStart = "-0123456789";
  Rewritten out{std::string(text), {}};
  bool quoted = false;
  size_t numbers = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && (i == 0 || kBeforeValue.find(text[i - 1]) != kBeforeValue.npos)) {
      const size_t number = numbers;
      if (kNumberStart.find(text[i]) != kNumberStart.npos) ++numbers;
      for (const auto& [word, value] : kPythonWords) {
        if (!text.substr(i).starts_with(word)) continue;
        out.words.emplace_back(number, value);
        out.text.replace(i, word.size(), word.size(), ' ');
        out.text[i] = '0';
        numbers = number + 1;
      }
    }
  }
  return out;
}

/// Builds the value from nlohmann's events, which unlike its own builder lets us refuse a second key and deep nesting.
/// The events do not tell where they are; that is known for syntax errors only.
class Builder : public nlohmann::json_sax<Json> {
 public:
  /// `words`: numbers to take from here instead of from the text, by their place among all numbers.
  explicit Builder(std::span<const std::pair<size_t, double>> words) : words_(words) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add_number(value); }
  bool number_unsigned(number_unsigned_t value) override { return add_number(value); }
  bool number_float(number_float_t value, const string_t&) override { return add_number(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // only in the binary dialects

  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    const auto [place, is_new] = parents_.back()->emplace(std::move(key), nullptr);
    member_ = &place.value();
    return is_new || fail(fmt::format("key {} is there twice in one object", quote(place.key())));
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& exception) override {
    std::string_view reason = exception.what();  // "[json.exception.parse_error.101] parse error at line ...: reason"
    if (const size_t end = reason.find(": "); end != std::string_view::npos) reason.remove_prefix(end + 2);
    return fail(fmt::format("not JSON at byte {}: {}", position, quote(reason)));
  }

  Json root;
  std::string error;

 private:
  bool fail(std::string message) {
    error = std::move(message);
    return false;
  }

  /// Puts a value where the next one belongs: the top, the end of an array, or the member whose key came last.
  Json* put(Json value) {
    if (parents_.empty()) return &(root = std::move(value));
    Json& parent = *parents_.back();
    if (parent.is_object()) return &(*member_ = std::move(value));
    parent.push_back(std::move(value));
    return &parent.back();
  }

  template <class T>
  bool add(T&& value) {
    put(std::forward<T>(value));
    return true;
  }

  template <class T>
  bool add_number(T value) {
    if (words_.empty() || words_.front().first != numbers_++) return add(value);
    const double word = words_.front().second;
    words_ = words_.subspan(1);
    return add(word);
  }

  bool open(Json container) {
    if (parents_.size() == kMaxDepth) return fail(fmt::format("nested deeper than {}", kMaxDepth));
    parents_.push_back(put(std::move(container)));
    return true;
  }

  bool close() {
    parents_.pop_back();
    return true;
  }

  std::span<const std::pair<size_t, double>> words_;  ///< still to come
  size_t numbers_ = 0;
  std::vector<Json*> parents_;  ///< the containers that are open, outermost first
  Json* member_ = nullptr;      ///< where the value of the last key goes
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view name, JsonNumbers numbers) {
  // nlohmann takes a zero byte for the end of the text and would not look at what follows.
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos)
    return Error::corrupt("{}: not JSON at byte {}: a zero byte", name, zero + 1);
  Rewritten rewritten;
  if (numbers == JsonNumbers::kPython) {
    rewritten = rewrite_python_words(text);
    text = rewritten.text;
  }
  Builder builder(rewritten.words);
  if (!Json::sax_parse(text, &builder)) return Error::corrupt("{}: {}", name, builder.error);
  return std::move(builder.root);
}

const Json& json_member(const Json& object, std::string_view key) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

Result<Json> read_json(const std::filesystem::path& path, JsonNumbers numbers) {
  TRY_ASSIGN(const auto file, MappedFile::open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > kMaxFileBytes)
    return Error::too_large("{}: {} bytes of JSON, at most {} expected", path.string(), bytes.size(), kMaxFileBytes);
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string(), numbers);
}

}  // namespace adder
