#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/template/text.h"

namespace adder::jinja {

class Value;
class Map;
class Interpreter;

/// What a call, filter or test was given.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  /// One value for each of `names`, in their order; what was not given is undefined. kCorrupt, speaking of `what`, when
  /// one of the first `required` is missing, one is given twice, or one is not among the names.
  Result<std::vector<Value>> bind(std::string_view what, const std::vector<std::string_view>& names,
                                  size_t required = 0) const;
};

using Function = std::function<Result<Value>(Interpreter&, const Arguments&)>;

struct Undefined {
  std::shared_ptr<const std::string> name;  ///< what was looked for
};
struct None {};
struct Namespace;

/// A value of the template language: Python's, but nothing has attributes other than those named in methods.h, and
/// nothing but a namespace can be changed. Copies share; a namespace belongs to the Interpreter, so values hold no
/// cycles.
class Value {
 public:
  using List = std::vector<Value>;
  enum class Kind { kUndefined, kNone, kBool, kInteger, kFloat, kText, kList, kMap, kNamespace, kFunction };

  Value() = default;  ///< undefined, without a name
  static Value undefined(std::string name);
  static Value none() { return Value(None{}); }
  static Value boolean(bool value) { return Value(value); }
  static Value integer(int64_t value) { return Value(value); }
  static Value number(double value) { return Value(value); }
  static Value text(Text value) { return Value(std::make_shared<const Text>(std::move(value))); }
  static Value text(std::string_view value) { return text(Text(value)); }
  static Value list(List items);
  static Value map(Map entries);
  static Value of(Namespace* space) { return Value(space); }
  static Value function(Function f) { return Value(std::make_shared<const Function>(std::move(f))); }

  /// `quoted`: texts are marked so. kTooLarge for nesting beyond kMostNesting.
  static Result<Value> from_json(const nlohmann::ordered_json& json, bool quoted);

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  std::string_view kind_name() const;  ///< "text", "list", ...: for messages
  bool is(Kind k) const { return kind() == k; }
  bool is_undefined() const { return is(Kind::kUndefined); }
  bool is_none() const { return is(Kind::kNone); }
  bool is_text() const { return is(Kind::kText); }
  bool is_list() const { return is(Kind::kList); }
  bool is_map() const { return is(Kind::kMap); }
  bool is_number() const { return is(Kind::kBool) || is(Kind::kInteger) || is(Kind::kFloat); }

  /// Preconditions: of that kind; as_integer takes a bool too, as_number any number.
  const std::string* undefined_name() const { return std::get<Undefined>(data_).name.get(); }
  bool as_bool() const { return std::get<bool>(data_); }
  int64_t as_integer() const;
  double as_number() const;
  const Text& as_text() const { return *std::get<std::shared_ptr<const Text>>(data_); }
  const List& as_list() const;
  const Map& as_map() const;
  Namespace& as_namespace() const { return *std::get<Namespace*>(data_); }
  const Function& as_function() const { return *std::get<std::shared_ptr<const Function>>(data_); }

  /// Python's bool().
  bool truth() const;
  /// Of lists and maps within each other; 0 for all else.
  int nesting() const;
  /// True when both are the very same text, list or map.
  bool same_object(const Value& other) const;

  static constexpr int kMostNesting = 100;

 private:
  struct ListBox;
  struct MapBox;
  using Data =
      std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const Text>, std::shared_ptr<const ListBox>,
                   std::shared_ptr<const MapBox>, Namespace*, std::shared_ptr<const Function>>;
  template <class T>
  explicit Value(T value) : data_(std::move(value)) {}

  Data data_;
};

/// A dictionary with text keys, in the order they came.
class Map {
 public:
  using Entry = std::pair<Text, Value>;
  void set(Text key, Value value);  ///< a key that is there keeps its place
  const Value* find(std::string_view key) const;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> places_;
};

struct Namespace {
  Map fields;
};

struct Value::ListBox {
  List items;
  int nesting;
};
struct Value::MapBox {
  Map entries;
  int nesting;
};

}  // namespace adder::jinja
