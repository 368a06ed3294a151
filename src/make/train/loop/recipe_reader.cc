#include "make/train/loop/recipe_reader.h"

#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <set>

namespace adder {
namespace {

using Node = toml::node_view<const toml::node>;

std::string dotted(std::string_view table, std::string_view key) {
  return table.empty() ? std::string(key) : fmt::format("{}.{}", table, key);
}

template <class T>
bool read_exact(const Node& node, T& field) {
  const auto value = node.value_exact<T>();
  if (value) field = *value;
  return value.has_value();
}
bool read(const Node& node, std::string& field) {
  return read_exact(node, field);
}
bool read(const Node& node, bool& field) {
  return read_exact(node, field);
}
bool read(const Node& node, int64_t& field) {
  return read_exact(node, field) && field >= 0;
}
bool read(const Node& node, uint64_t& field) {
  int64_t value = 0;
  if (!read(node, value)) return false;
  field = static_cast<uint64_t>(value);
  return true;
}
bool read(const Node& node, double& field) {
  const auto value = node.value<double>();
  if (value) field = *value;
  return node.is_number() && field >= 0;
}
template <class T>
bool read(const Node& node, std::vector<T>& field) {
  const toml::array* array = node.as_array();
  if (!array) return false;
  return std::ranges::all_of(*array, [&](const toml::node& item) { return read(Node(item), field.emplace_back()); });
}

}  // namespace

struct RecipeReader::State {
  toml::table root;
  std::string file;
  std::set<std::string> known = {};
  std::vector<std::string> problems = {};

  void refuse_unknown(const std::string& name) {
    if (!known.contains(name)) problems.push_back(fmt::format("'{}' is no key of a recipe", name));
  }
};

RecipeReader::RecipeReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
RecipeReader::RecipeReader(RecipeReader&&) noexcept = default;
RecipeReader::~RecipeReader() = default;

Result<RecipeReader> RecipeReader::parse(std::string_view text, std::string_view file) {
  try {
    return RecipeReader(std::make_unique<State>(State{toml::parse(text), std::string(file)}));
  } catch (const toml::parse_error& error) {
    return Error::corrupt("{}: line {}: {}", file, error.source().begin.line, error.description());
  }
}

template <class T>
void RecipeReader::take(std::string_view table, std::string_view key, T& field) {
  const std::string name = dotted(table, key);
  state_->known.insert(name);
  const Node node = std::as_const(state_->root).at_path(name);
  if (!node) {
    state_->problems.push_back(fmt::format("'{}' is missing", name));
  } else if (!read(node, field)) {
    state_->problems.push_back(fmt::format("'{}' has the wrong type or sign", name));
  }
}

#define ADDER_TAKE(...)                                                                             \
  void RecipeReader::operator()(std::string_view table, std::string_view key, __VA_ARGS__& field) { \
    take(table, key, field);                                                                        \
  }
ADDER_TAKE(std::string)
ADDER_TAKE(bool)
ADDER_TAKE(int64_t)
ADDER_TAKE(uint64_t)
ADDER_TAKE(double)
ADDER_TAKE(std::vector<int64_t>)
ADDER_TAKE(std::vector<double>)
ADDER_TAKE(std::vector<std::string>)
#undef ADDER_TAKE

void RecipeReader::demand(bool holds, std::string_view what) {
  if (!holds) state_->problems.emplace_back(what);
}

Status RecipeReader::finish() {
  for (const auto& [key, node] : state_->root) {
    if (const toml::table* table = node.as_table()) {
      for (const auto& [inner, value] : *table) state_->refuse_unknown(dotted(key.str(), inner.str()));
    } else {
      state_->refuse_unknown(std::string(key.str()));
    }
  }
  if (state_->problems.empty()) return {};
  return Error::usage("{}: {}", state_->file, fmt::join(state_->problems, "; "));
}

}  // namespace adder
