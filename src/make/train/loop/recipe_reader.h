#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "make/train/loop/recipe_file.h"

namespace adder {

/// Reads a recipe, a TOML file of tables, into the fields that a visit function names:
///     reader("train", "seq_len", recipe.seq_len)
/// Numbers may not be negative; every key has to be there and every key that is there has to be asked for, so that a
/// misspelt one does not go unread. Whatever is wrong is collected and comes at the end.
class RecipeReader {
 public:
  static Result<RecipeReader> parse(std::string_view text, std::string_view file);
  RecipeReader(RecipeReader&&) noexcept;
  ~RecipeReader();

  void operator()(std::string_view table, std::string_view key, std::string& field);
  void operator()(std::string_view table, std::string_view key, bool& field);
  void operator()(std::string_view table, std::string_view key, int64_t& field);
  void operator()(std::string_view table, std::string_view key, uint64_t& field);
  void operator()(std::string_view table, std::string_view key, double& field);
  void operator()(std::string_view table, std::string_view key, std::vector<int64_t>& field);
  void operator()(std::string_view table, std::string_view key, std::vector<double>& field);
  void operator()(std::string_view table, std::string_view key, std::vector<std::string>& field);

  /// Something that the values must be; `what` says how it is not.
  void demand(bool holds, std::string_view what);
  /// kUsage with all that is wrong.
  Status finish();

 private:
  struct State;
  explicit RecipeReader(std::unique_ptr<State> state);
  template <class T>
  void take(std::string_view table, std::string_view key, T& field);

  std::unique_ptr<State> state_;
};

/// A recipe R with R::visit(r, visitor) and check(r, reader), which demands what must hold between the fields.
template <class R>
Result<R> parse_recipe_as(std::string_view text, std::string_view file) {
  TRY_ASSIGN(RecipeReader reader, RecipeReader::parse(text, file));
  R recipe;
  R::visit(recipe, reader);
  check(recipe, reader);
  TRY(reader.finish());
  return recipe;
}

template <class R>
Result<R> read_recipe_as(const RecipeFile& file) {
  TRY_ASSIGN(const std::string text, file.text());
  return parse_recipe_as<R>(text, file.path.string());
}

}  // namespace adder
