#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// Small files of /sys, each a word or a number.
namespace adder {

/// Nothing where there is no file, no number, or one below zero.
std::optional<int64_t> read_number(const std::filesystem::path& path);

/// Empty where there is none.
std::string read_word(const std::filesystem::path& path);

/// What a folder holds, in the order of names; nothing where it cannot be read.
std::vector<std::filesystem::path> entries(const std::filesystem::path& folder);

}  // namespace adder
