#pragma once

#include <ctime>
#include <deque>

#include "core/template/ast.h"
#include "core/template/budget.h"
#include "core/template/scope.h"

namespace adder::jinja {

/// Runs a tree once. Names that are not set are undefined, which is empty text, false and no items, but has no
/// attributes and cannot be called. Nothing outside can be reached: all there is are the variables given, the filters,
/// tests, methods and functions of the headers beside this one, and the time of day that the caller states.
class Interpreter {
 public:
  struct Limits {
    int64_t work;         ///< see Budget
    size_t output_bytes;  ///< of the rendered text
  };
  Interpreter(const Limits& limits, const std::tm& now) : budget_(limits.work), limits_(limits), now_(now) {}

  /// The text of `body`. After an error, line() is where it happened.
  Result<Text> run(const Body& body, const Map& variables);
  int line() const { return line_; }

  /// For filters, tests and functions.
  Budget& budget() { return budget_; }
  const std::tm& now() const { return now_; }
  Result<Value> call(const Value& function, const Arguments& arguments);
  Value new_namespace(Map fields);

 private:
  enum class Flow { kNext, kBreak, kContinue };

  Result<Flow> run(const Body& body);
  Result<Flow> run(const Statement& statement);
  Result<Flow> run(const Data& data);
  Result<Flow> run(const Output& output);
  Result<Flow> run(const If& all);
  Result<Flow> run(const For& loop);
  Result<Flow> run(const Set& set);
  Result<Flow> run(const SetField& set);
  Result<Flow> run(const SetBlock& set);
  Result<Flow> run(const FilterBlock& block);
  Result<Flow> run(const std::shared_ptr<const Macro>& macro);
  Result<Flow> run(const std::shared_ptr<const CallBlock>& block);
  Result<Flow> run(const With& with);
  Result<Flow> run(const Group& group) { return run(group.body); }
  Result<Flow> run(const Break&) { return Flow::kBreak; }
  Result<Flow> run(const Continue&) { return Flow::kContinue; }

  Result<Value> evaluate(const Expr& expr);
  Result<Value> evaluate(const ExprPtr& expr) { return expr == nullptr ? Result<Value>(Value()) : evaluate(*expr); }
  Result<Value> value_of(const Conditional& node);
  Result<Value> value_of(const Logic& node);
  Result<Value> value_of(const Not& node);
  Result<Value> value_of(const Comparison& node);
  Result<Value> value_of(const Binary& node);
  Result<Value> value_of(const Concat& node);
  Result<Value> value_of(const Sign& node);
  Result<Value> value_of(const Filter& node);
  Result<Value> value_of(const Test& node);
  Result<Value> value_of(const Call& node);
  Result<Value> value_of(const Attribute& node);
  Result<Value> value_of(const Item& node);
  Result<Value> value_of(const Slice& node);
  Result<Value> value_of(const Name& node);
  Result<Value> value_of(const Literal& node) { return node.value; }
  Result<Value> value_of(const ListLiteral& node);
  Result<Value> value_of(const MapLiteral& node);

  Result<Arguments> evaluate(const CallArguments& arguments);
  Result<Value> filtered(Value input, const std::vector<Filter>& filters);
  Result<Value::List> loop_items(const For& loop);
  Status assign(const std::vector<std::string>& targets, const Value& value);
  Value macro_function(std::shared_ptr<const Macro> macro) const;
  Result<Value> call_macro(const Macro& macro, const std::shared_ptr<Scope>& scope, const Arguments& arguments);
  Result<Text> captured(const Body& body);
  Status write(const Text& text);
  /// f() with names of its own.
  template <class F>
  auto within_new_scope(std::shared_ptr<Scope> outer, F&& f);

  Budget budget_;
  Limits limits_;
  std::tm now_;
  std::deque<Namespace> namespaces_;  // outlive every value
  std::shared_ptr<Scope> scope_;
  Text* out_ = nullptr;
  int line_ = 1;
  int depth_ = 0;
};

/// Levels of statements, expressions and macro calls within each other at run time.
inline constexpr int kMostDepth = 500;

}  // namespace adder::jinja
