#include "apps/line_editor.h"

#include <dlfcn.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cwchar>

namespace adder {
namespace {

// What libedit 3.1 declares in histedit.h; both handles are opaque.
struct HistoryEvent {
  int number;
  const char* text;
};
constexpr int kPrompt = 0, kEditor = 2, kSignal = 3, kHistory = 10, kReader = 13;
constexpr int kHistorySetSize = 1, kHistoryEnter = 10;
constexpr int kHistoryLines = 1000;

/// One character of standard input: 1, 0 at its end, -1 on an error. libedit's own reader would go on after Ctrl-C.
int read_character(void*, wchar_t* character) {
  std::mbstate_t state = {};
  for (char byte = 0;;) {
    const ssize_t n = read(STDIN_FILENO, &byte, 1);
    if (n <= 0) return n == 0 ? 0 : -1;
    const size_t used = std::mbrtowc(character, &byte, 1, &state);
    if (used == static_cast<size_t>(-2)) continue;
    if (used == static_cast<size_t>(-1)) *character = L'?';
    return 1;
  }
}

std::string shown_prompt;  // of the one terminal there is: libedit asks for it by a plain function

}  // namespace

struct LineEditor::Library {
  void* file = nullptr;
  void* (*el_init)(const char*, FILE*, FILE*, FILE*) = nullptr;
  void (*el_end)(void*) = nullptr;
  const char* (*el_gets)(void*, int*) = nullptr;
  int (*el_set)(void*, int, ...) = nullptr;
  void* (*history_init)() = nullptr;
  void (*history_end)(void*) = nullptr;
  int (*history)(void*, HistoryEvent*, int, ...) = nullptr;
  void* editor = nullptr;
  void* lines = nullptr;

  Library() = default;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    if (editor != nullptr) el_end(editor);
    if (lines != nullptr) history_end(lines);
    if (file != nullptr) dlclose(file);
  }

  template <class F>
  bool find(const char* name, F*& function) {
    function = reinterpret_cast<F*>(dlsym(file, name));
    return function != nullptr;
  }

  bool load() {
    file = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
    return file != nullptr && find("el_init", el_init) && find("el_end", el_end) && find("el_gets", el_gets) &&
           find("el_set", el_set) && find("history_init", history_init) && find("history_end", history_end) &&
           find("history", history);
  }

  bool start() {
    std::setlocale(LC_CTYPE, "");  // the editor moves by characters
    editor = el_init("adder", stdin, stdout, stderr);
    lines = history_init();
    if (editor == nullptr || lines == nullptr) return false;
    HistoryEvent event;
    history(lines, &event, kHistorySetSize, kHistoryLines);
    el_set(editor, kEditor, "emacs");
    el_set(editor, kSignal, 0);  // Ctrl-C is ours
    el_set(editor, kReader, read_character);
    el_set(editor, kHistory, history, lines);
    const auto prompt_text = +[](void*) -> char* { return shown_prompt.data(); };
    el_set(editor, kPrompt, prompt_text);
    return true;
  }
};

LineEditor::LineEditor(std::unique_ptr<Library> library) : library_(std::move(library)) {}
LineEditor::~LineEditor() = default;

std::unique_ptr<LineEditor> LineEditor::open() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) return nullptr;
  auto library = std::make_unique<Library>();
  if (!library->load() || !library->start()) return nullptr;
  return std::unique_ptr<LineEditor>(new LineEditor(std::move(library)));
}

std::optional<std::string> LineEditor::line(const std::string& prompt) {
  shown_prompt = prompt;
  int bytes = 0;
  const char* text = library_->el_gets(library_->editor, &bytes);
  if (text == nullptr || bytes <= 0) return std::nullopt;
  HistoryEvent event;
  if (bytes > 1) library_->history(library_->lines, &event, kHistoryEnter, text);
  std::string line(text, static_cast<size_t>(bytes));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace adder
