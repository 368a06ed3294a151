#include "apps/shell/completion_script.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace adder {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> flags_of(const CLI::Option& option) {
  std::vector<std::string> flags;
  for (const std::string& name : option.get_lnames()) flags.push_back("--" + name);
  for (const std::string& name : option.get_snames()) flags.push_back("-" + name);
  return flags;
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options())
    for (std::string& flag : flags_of(*option)) flags.push_back(std::move(flag));
  return flags;
}

std::vector<std::string> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

struct Choice {
  std::vector<std::string> places;  ///< "quantize --type", or "completion" for a positional
  std::vector<std::string> words;
};

/// Where in a command line only certain words make sense.
std::vector<Choice> choices_of(const CLI::App& app) {
  std::vector<Choice> choices;
  for (const CLI::App* command : commands_of(app))
    for (const CLI::Option* option : command->get_options()) {
      Choice choice{{}, words_of(*option)};
      if (choice.words.empty()) continue;
      for (const std::string& flag : flags_of(*option)) choice.places.push_back(command->get_name() + " " + flag);
      if (choice.places.empty()) choice.places.push_back(command->get_name() + " " + command->get_name());
      choices.push_back(std::move(choice));
    }
  return choices;
}

/// `"quantize --type"|"slice --type") ...`, a line for each choice.
std::string value_cases(const CLI::App& app, std::string_view action) {
  std::string cases;
  for (const Choice& choice : choices_of(app))
    cases += fmt::format("    \"{}\") {} ;;\n", fmt::join(choice.places, "\"|\""),
                         fmt::format(fmt::runtime(action), fmt::join(choice.words, " ")));
  return cases;
}

std::string bash(const CLI::App& app) {
  std::string function = "_" + app.get_name(), cases;
  std::ranges::replace(function, '-', '_');
  for (const CLI::App* command : commands_of(app))
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), fmt::join(flags_of(*command), " "));
  return fmt::format(
      "{function}() {{\n"
      "  local words values current=${{COMP_WORDS[COMP_CWORD]}}\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W \"{commands} {options}\" -- \"$current\"))\n"
      "    return\n"
      "  fi\n"
      "  case \"${{COMP_WORDS[1]}} ${{COMP_WORDS[COMP_CWORD-1]}}\" in\n{values}"
      "  esac\n"
      "  if [ -n \"$values\" ]; then\n"
      "    COMPREPLY=($(compgen -W \"$values\" -- \"$current\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n{cases}"
      "  esac\n"
      "  case $current in\n"
      "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$current\")) ;;\n"
      "    *) COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
      "  esac\n"
      "}}\n"
      "complete -o filenames -F {function} {program}\n",
      fmt::arg("function", function), fmt::arg("program", app.get_name()),
      fmt::arg("commands", fmt::format("{}", fmt::join(names_of(commands_of(app)), " "))),
      fmt::arg("options", fmt::format("{}", fmt::join(flags_of(app), " "))),
      fmt::arg("values", value_cases(app, "values=\"{}\"")), fmt::arg("cases", cases));
}

std::string zsh(const CLI::App& app) {
  std::string cases;
  for (const CLI::App* command : commands_of(app))
    cases += fmt::format("    {}) compadd -- {} ;;\n", command->get_name(), fmt::join(flags_of(*command), " "));
  return fmt::format(
      "#compdef {}\n"
      "if (( CURRENT == 2 )); then\n"
      "  compadd -- {} {}\n"
      "  return\n"
      "fi\n"
      "case \"$words[2] $words[CURRENT-1]\" in\n{}"
      "esac\n"
      "if [[ $PREFIX == -* ]]; then\n"
      "  case $words[2] in\n{}"
      "  esac\n"
      "else\n"
      "  _files\n"
      "fi\n",
      app.get_name(), fmt::join(names_of(commands_of(app)), " "), fmt::join(flags_of(app), " "),
      value_cases(app, "compadd -- {}; return"), cases);
}

/// Text inside single quotes for fish, which knows \\ and \' there.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish(const CLI::App& app) {
  std::string out;
  for (const CLI::App* command : commands_of(app)) {
    out += fmt::format("complete -c {} -n __fish_use_subcommand -f -a {} -d {}\n", app.get_name(), command->get_name(),
                       quoted(command->get_description()));
    for (const CLI::Option* option : command->get_options()) {
      std::string names;
      for (const std::string& name : option->get_lnames()) names += " -l " + name;
      for (const std::string& name : option->get_snames()) names += " -s " + name;
      const std::vector<std::string> words = words_of(*option);
      const std::string choice = words.empty() ? "" : fmt::format(" -x -a '{}'", fmt::join(words, " "));
      if (!names.empty() || !words.empty())
        out += fmt::format("complete -c {} -n '__fish_seen_subcommand_from {}'{}{} -d {}\n", app.get_name(),
                           command->get_name(), names, choice, quoted(option->get_description()));
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> words_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();  // "TYPE:{f32,f16}": what the checks say comes after colons
  const size_t colon = type.find(':');
  if (colon == std::string::npos || type.find(',', colon) == std::string::npos) return {};
  std::vector<std::string> words = {""};
  for (const char c : type.substr(colon + 1)) {
    const bool is_letter = (std::isalnum(static_cast<unsigned char>(c)) != 0) || c == '_' || c == '-' || c == '.';
    if (is_letter)
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  std::erase_if(words, [](const std::string& word) { return word.empty() || word == "or"; });
  return words;
}

std::string completion_script(const CLI::App& app, std::string_view shell) {
  return shell == "bash" ? bash(app) : shell == "zsh" ? zsh(app) : fish(app);
}

CLI::App* add_completion_command(CLI::App& app, std::string& shell) {
  const std::string& name = app.get_name();
  CLI::App* command =
      app.add_subcommand("completion", fmt::format("Print a script that completes {}'s commands in a shell", name));
  command->add_option("SHELL", shell, "bash, zsh or fish")->required()->check(CLI::IsMember(kShells));
  command->footer(
      fmt::format("Examples:\n"
                  "  {0} completion bash > ~/.local/share/bash-completion/completions/{0}\n"
                  "  {0} completion zsh > ~/.zfunc/_{0}\n"
                  "  {0} completion fish > ~/.config/fish/completions/{0}.fish",
                  name));
  return command;
}

}  // namespace adder
