#include <fmt/ranges.h>

#include <memory>
#include <string>
#include <vector>

#include "apps/commands.h"

namespace adder {
namespace {

/// The visible commands and options, read off the parser so that no list has to be kept beside it.
std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
  }
  return flags;
}

std::vector<std::string> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

std::string bash(const CLI::App& app) {
  std::string cases;
  for (const CLI::App* command : commands_of(app))
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), fmt::join(flags_of(*command), " "));
  return fmt::format(
      "_adder() {{\n"
      "  local words current=${{COMP_WORDS[COMP_CWORD]}}\n"
      "  case ${{COMP_WORDS[1]}} in\n{}"
      "  esac\n"
      "  [ \"$COMP_CWORD\" -eq 1 ] && words=\"{} {}\"\n"
      "  case $current in\n"
      "    -*) ;;\n"
      "    *) [ \"$COMP_CWORD\" -eq 1 ] || {{ COMPREPLY=($(compgen -f -- \"$current\")); return; }} ;;\n"
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}}\n"
      "complete -o filenames -F _adder adder\n",
      cases, fmt::join(names_of(commands_of(app)), " "), fmt::join(flags_of(app), " "));
}

std::string zsh(const CLI::App& app) {
  std::string cases;
  for (const CLI::App* command : commands_of(app))
    cases += fmt::format("    {}) compadd -- {} ;;\n", command->get_name(), fmt::join(flags_of(*command), " "));
  return fmt::format(
      "#compdef adder\n"
      "if (( CURRENT == 2 )); then\n"
      "  compadd -- {} {}\n"
      "elif [[ $PREFIX == -* ]]; then\n"
      "  case $words[2] in\n{}"
      "  esac\n"
      "else\n"
      "  _files\n"
      "fi\n",
      fmt::join(names_of(commands_of(app)), " "), fmt::join(flags_of(app), " "), cases);
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
    out += fmt::format("complete -c adder -n __fish_use_subcommand -f -a {} -d {}\n", command->get_name(),
                       quoted(command->get_description()));
    for (const CLI::Option* option : command->get_options()) {
      std::string names;
      for (const std::string& name : option->get_lnames()) names += " -l " + name;
      for (const std::string& name : option->get_snames()) names += " -s " + name;
      if (!names.empty())
        out += fmt::format("complete -c adder -n '__fish_seen_subcommand_from {}'{} -d {}\n", command->get_name(),
                           names, quoted(option->get_description()));
    }
  }
  return out;
}

}  // namespace

void add_completion(CLI::App& app, Action& chosen) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Print a script that completes adder's commands in a shell");
  command->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(
      "Examples:\n"
      "  adder completion bash > ~/.local/share/bash-completion/completions/adder\n"
      "  adder completion zsh > ~/.zfunc/_adder\n"
      "  adder completion fish > ~/.config/fish/completions/adder.fish");
  command->callback([shell, &app, &chosen] {
    chosen = [shell, &app]() -> Status {
      fmt::print("{}", *shell == "bash" ? bash(app) : *shell == "zsh" ? zsh(app) : fish(app));
      return {};
    };
  });
}

}  // namespace adder
