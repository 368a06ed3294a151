#pragma once

#include <memory>
#include <optional>
#include <string>

namespace adder {

/// Lines that a person types at a terminal, with editing and a history of this session (up and down), by libedit. The
/// library is opened when the first editor is made: nothing else in adder needs it.
class LineEditor {
 public:
  /// Null where libedit is not installed, or standard input or output is no terminal.
  static std::unique_ptr<LineEditor> open();
  ~LineEditor();

  /// The next line without its end; none at the end of input, or when Ctrl-C was pressed (see interrupted()).
  std::optional<std::string> line(const std::string& prompt);

 private:
  struct Library;
  explicit LineEditor(std::unique_ptr<Library> library);
  std::unique_ptr<Library> library_;
};

}  // namespace adder
