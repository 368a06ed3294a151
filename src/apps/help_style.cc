#include "apps/help_style.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

namespace adder {
namespace {

constexpr size_t kLeftColumns = 30, kAllColumns = 100;

std::string wrapped(std::string_view text, size_t columns) {
  std::string lines;
  while (text.size() > columns) {
    const size_t space = text.rfind(' ', columns);
    if (space == std::string_view::npos) break;
    lines += fmt::format("{}\n", text.substr(0, space));
    text.remove_prefix(space + 1);
  }
  return lines + std::string(text);
}

/// What stands for the value: the parser calls whole numbers INT or UINT and appends the checks after a colon.
std::string placeholder(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::string word = type.substr(0, type.find(':'));
  if (word == "INT" || word == "UINT") return "N";
  return word == "FLOAT" ? "X" : word;
}

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(kLeftColumns); }

  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    if (is_positional) return option->get_name(true, false);
    std::string names;
    for (const std::string& name : option->get_snames()) names += (names.empty() ? "-" : ",-") + name;
    for (const std::string& name : option->get_lnames()) names += (names.empty() ? "--" : ",--") + name;
    return names;
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    const bool flag = option->get_type_size() == 0, positional = option->get_lnames().empty();
    return flag || positional ? "" : " " + placeholder(*option);
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (option->get_required() && !option->get_lnames().empty()) text += " (required)";
    if (const std::string value = option->get_default_str(); !value.empty())
      text += fmt::format(" (default {})", value);
    return wrapped(text, kAllColumns - kLeftColumns);
  }
};

std::string mistake(const CLI::App* app, const CLI::Error& error) {
  std::string command = app->get_name();
  for (const CLI::App* sub : app->get_subcommands()) command += " " + sub->get_name();
  std::string what = error.what();
  // The parser misses a known command before it looks at the unknown one.
  if (const auto rest = app->remaining(); app->get_subcommands().empty())
    what = rest.empty() ? "which command?" : fmt::format("no command '{}'", rest.front());
  return fmt::format("{}: {}\n{} --help says more\n", command, what, command);
}

}  // namespace

void set_help_style(CLI::App& app) {
  app.formatter(std::make_shared<HelpFormatter>());
  app.failure_message(mistake);
}

}  // namespace adder
