#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/base/result.h"

namespace adder {

/// What may stand for a number. Python's json module, which writes most Hugging Face files, spells what JSON has no
/// number for as the bare words NaN, Infinity and -Infinity.
enum class JsonNumbers {
  kStrict,  ///< RFC 8259 alone
  kPython,  ///< those three words too, wherever a value may stand
};

/// Parses one JSON value. Refused (kCorrupt), with `name` and the byte: text that is not JSON (RFC 8259, so also
/// invalid UTF-8), a key twice in one object, nesting deeper than 100 (a hostile file must not exhaust the stack of
/// whoever walks the value).
Result<nlohmann::json> parse_json(std::string_view text, std::string_view name,
                                  JsonNumbers numbers = JsonNumbers::kStrict);

/// Parses a file of at most 256 MiB, about ten times the largest tokenizer.json.
Result<nlohmann::json> read_json(const std::filesystem::path& path, JsonNumbers numbers = JsonNumbers::kStrict);

/// The member of that name; null where it, or the object, is missing.
const nlohmann::json& json_member(const nlohmann::json& object, std::string_view key);

}  // namespace adder
