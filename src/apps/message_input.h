#pragma once

#include <functional>
#include <optional>
#include <string>

namespace adder {

/// Where lines come from: called with the prompt to show; none at the end of input.
using LineSource = std::function<std::optional<std::string>(const std::string& prompt)>;

/// What a person says at a time: one line, or several. A backslash at the end of a line joins the next one; after a
/// line of three quotes everything up to the next such line belongs together, backslashes and slashes included. White
/// space at the end goes. `command`: it begins with "/" and was not put in quotes. None at the end of input.
struct Said {
  std::string text;
  bool command = false;
};
std::optional<Said> next_said(const LineSource& next_line);

/// Lines of standard input, through an editor at a terminal.
LineSource standard_input_lines();

}  // namespace adder
