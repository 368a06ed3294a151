#include "make/train/loop/recipe_file.h"

#include <toml++/toml.h>

#include <sstream>

#include "core/base/atomic_file.h"

namespace adder {
namespace {

Result<toml::table> parsed(std::string_view text, const std::string& file) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return Error::corrupt("{}: line {}: {}", file, error.source().begin.line, error.description());
  }
}

/// What stands after the equals sign: a TOML value, or else a string.
toml::table value_of(std::string_view text) {
  try {
    toml::table parsed = toml::parse(fmt::format("value = {}", text));
    if (parsed.size() == 1) return parsed;  // and nothing on lines that follow
  } catch (const toml::parse_error&) {
  }
  return toml::table{{"value", std::string(text)}};
}

Status change(toml::table& recipe, const RecipeFile& file, const std::string& asked) {
  const size_t equals = asked.find('=');
  if (equals == std::string::npos || equals == 0)
    return Error::usage("--set {}: expected KEY=VALUE, train.seed=2 for example", asked);
  const std::string key = asked.substr(0, equals);
  const size_t dot = key.find('.');
  toml::table* table = dot == std::string::npos ? &recipe : recipe[key.substr(0, dot)].as_table();
  const std::string name = key.substr(dot == std::string::npos ? 0 : dot + 1);
  if (!table || !table->contains(name) || table->get(name)->is_table())
    return Error::usage("--set {}: {} has no key '{}'", asked, file.path.string(), key);
  const toml::table value = value_of(asked.substr(equals + 1));
  table->insert_or_assign(name, *value.get("value"));
  return {};
}

}  // namespace

Result<std::string> RecipeFile::text() const {
  TRY_ASSIGN(std::string plain, read_file(path, 1 << 20));
  TRY_ASSIGN(toml::table recipe, parsed(plain, path.string()));
  if (changes.empty()) return plain;
  for (const std::string& asked : changes) TRY(change(recipe, *this, asked));
  std::ostringstream out;
  out << recipe << '\n';
  return std::move(out).str();
}

Status RecipeFile::keep(const std::filesystem::path& work) const {
  TRY_ASSIGN(const std::string kept, text());
  return write_file(work / "recipe.toml", kept);
}

}  // namespace adder
