#include "apps/message_input.h"

#include <iostream>
#include <memory>

#include "apps/line_editor.h"

namespace adder {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";
constexpr const char* kFirst = "> ";
constexpr const char* kMore = ". ";

void trim_end(std::string& text) {
  text.resize(text.find_last_not_of(" \t\r\n") + 1);
}

}  // namespace

std::optional<Said> next_said(const LineSource& next_line) {
  std::optional<std::string> line = next_line(kFirst);
  if (!line) return std::nullopt;
  Said said;
  if (line->starts_with(kQuotes)) {
    line->erase(0, kQuotes.size());
    while (line && !line->ends_with(kQuotes)) {
      said.text += *line + "\n";
      line = next_line(kMore);
    }
    if (line) said.text += line->substr(0, line->size() - kQuotes.size());
    if (said.text.starts_with('\n')) said.text.erase(0, 1);
    trim_end(said.text);
    return said;
  }
  said.command = line->starts_with('/');
  while (line && line->ends_with('\\')) {
    line->back() = '\n';
    said.text += *line;
    line = next_line(kMore);
  }
  if (line) said.text += *line;
  trim_end(said.text);
  return said;
}

LineSource standard_input_lines() {
  const std::shared_ptr<LineEditor> editor = LineEditor::open();
  if (editor != nullptr) return [editor](const std::string& prompt) { return editor->line(prompt); };
  return [](const std::string&) -> std::optional<std::string> {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    if (line.ends_with('\r')) line.pop_back();
    return line;
  };
}

}  // namespace adder
