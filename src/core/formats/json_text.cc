#include "core/formats/json_text.h"

#include <cmath>
#include <string_view>

namespace adder {
namespace {

/// Stands for the word in a text until that is written; no text of a model begins like this.
std::string marked(std::string_view word) {
  return "\x01" + std::string(word);
}

void mark_words(nlohmann::json& value) {
  if (value.is_structured()) {
    for (nlohmann::json& element : value) mark_words(element);
  } else if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    const double number = value.get<double>();
    value = marked(std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
  }
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) text.replace(at, from.size(), to);
}

}  // namespace

std::string python_json(nlohmann::json value, int indent) {
  mark_words(value);
  std::string text = value.dump(indent);
  for (const std::string_view word : {"NaN", "Infinity", "-Infinity"})
    replace_all(text, nlohmann::json(marked(word)).dump(), word);
  return text;
}

}  // namespace adder
