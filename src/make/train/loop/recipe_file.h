#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// A recipe on disk and what somebody wants otherwise this time:
///     --set teacher.kd=0 --set student.init=random --set 'judge.at=[0, 100]'
/// A change names a key with its table, and gives it a TOML value; a word that is none is taken as a string.
struct RecipeFile {
  std::filesystem::path path;
  std::vector<std::string> changes = {};  ///< "table.key=value", the last of several for a key holds

  /// The recipe as it will be read, TOML. kCorrupt for a file that is not TOML, kUsage for a change that is no key and
  /// value or goes to a key that the file does not have.
  Result<std::string> text() const;

  /// The text, kept beside a run's results as WORK/recipe.toml.
  Status keep(const std::filesystem::path& work) const;
};

}  // namespace adder
