#include "make/chart/text_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "make/chart/page.h"

namespace adder {
namespace {

/// Characters, not bytes: UTF-8 that continues one does not count.
size_t columns(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) {
    line += ' ';
    for (const char c : cell) line += c == '|' ? std::string("\\|") : std::string(1, c);
    line += " |";
  }
  return line + "\n";
}

}  // namespace

std::string TextTable::plain() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < head.size(); ++i) {
    widths.push_back(columns(head[i]));
    for (const auto& row : rows) widths[i] = std::max(widths[i], columns(row[i]));
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(widths[i] - columns(cells[i]), ' ');
      if (i > 0) line += "  ";
      line += i == 0 && names_first ? cells[i] + padding : padding + cells[i];
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  add(head);
  for (const auto& row : rows) add(row);
  return text;
}

std::string TextTable::markdown() const {
  std::string text = markdown_row(head) + "|";
  for (size_t i = 0; i < head.size(); ++i) text += i == 0 && names_first ? " --- |" : " ---: |";
  text += "\n";
  for (const auto& row : rows) text += markdown_row(row);
  return text;
}

std::string TextTable::html() const {
  std::string text = "<table>\n<tr>";
  for (const std::string& cell : head) text += fmt::format("<th>{}</th>", escaped(cell));
  text += "</tr>\n";
  for (const auto& row : rows) {
    text += "<tr>";
    for (const std::string& cell : row) text += fmt::format("<td>{}</td>", escaped(cell));
    text += "</tr>\n";
  }
  return text + "</table>\n";
}

}  // namespace adder
