#pragma once

#include <string>
#include <vector>

namespace adder {

/// Cells of text under headings; every row has as many cells as there are headings. Numbers mostly, so columns are
/// aligned right, but for the first where it holds names.
struct TextTable {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  bool names_first = false;

  std::string plain() const;     ///< padded columns, for a terminal
  std::string markdown() const;  ///< with '|' escaped
  std::string html() const;      ///< one <table>
};

}  // namespace adder
