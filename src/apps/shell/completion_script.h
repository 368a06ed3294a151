#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adder {

/// The shells there is a script for.
inline const std::vector<std::string> kShells = {"bash", "zsh", "fish"};

/// A script for one of kShells that completes the subcommands of `app`, their options, and the values of options that
/// take one of a few words; everything else is a file. All of it is read off the parser: an option's words are what its
/// checks say of themselves, "{f32,f16}" or "f32, f16 or bf16".
std::string completion_script(const CLI::App& app, std::string_view shell);

/// The words an option may take; empty if it takes anything.
std::vector<std::string> words_of(const CLI::Option& option);

/// The subcommand that prints such a script; `shell` is what the user chose, valid in its callback.
CLI::App* add_completion_command(CLI::App& app, std::string& shell);

}  // namespace adder
