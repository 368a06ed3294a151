#include "core/template/filters.h"
#include "core/template/interpreter.h"
#include "core/template/iteration.h"
#include "core/template/methods.h"
#include "core/template/operators.h"
#include "core/template/predicates.h"
#include "core/template/value_writer.h"

namespace adder::jinja {

Result<Value> Interpreter::evaluate(const Expr& expr) {
  if (depth_ >= kMostDepth) return Error::too_large("more than {} levels deep: a macro that calls itself?", kMostDepth);
  TRY(budget_.spend_steps(1));
  const int outer_line = std::exchange(line_, expr.line);
  ++depth_;
  auto value = std::visit([&](const auto& node) { return value_of(node); }, expr.node);
  --depth_;
  if (!value) return value;
  if (value->nesting() > Value::kMostNesting)
    return Error::too_large("a value nested more than {} levels deep", Value::kMostNesting);
  line_ = outer_line;
  return value;
}

Result<Value> Interpreter::value_of(const Conditional& node) {
  TRY_ASSIGN(const Value condition, evaluate(node.condition));
  return evaluate(condition.truth() ? node.value : node.otherwise);
}

Result<Value> Interpreter::value_of(const Logic& node) {
  TRY_ASSIGN(Value left, evaluate(node.left));
  if (left.truth() != node.is_and) return left;
  return evaluate(node.right);
}

Result<Value> Interpreter::value_of(const Not& node) {
  TRY_ASSIGN(const Value operand, evaluate(node.operand));
  return Value::boolean(!operand.truth());
}

Result<Value> Interpreter::value_of(const Comparison& node) {
  TRY_ASSIGN(Value left, evaluate(node.first));
  for (const auto& [op, expr] : node.rest) {
    TRY_ASSIGN(Value right, evaluate(expr));
    TRY_ASSIGN(const bool holds, compare(op, left, right, budget_));
    if (!holds) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Result<Value> Interpreter::value_of(const Binary& node) {
  TRY_ASSIGN(const Value left, evaluate(node.left));
  TRY_ASSIGN(const Value right, evaluate(node.right));
  return arithmetic(node.op, left, right, budget_);
}

Result<Value> Interpreter::value_of(const Concat& node) {
  Text all;
  for (const ExprPtr& part : node.parts) {
    TRY_ASSIGN(const Value value, evaluate(part));
    TRY_ASSIGN(const Text text, to_text(value, budget_));
    all.append(text);
  }
  return Value::text(std::move(all));
}

Result<Value> Interpreter::value_of(const Sign& node) {
  TRY_ASSIGN(const Value operand, evaluate(node.operand));
  return arithmetic(node.negative ? "-" : "+", Value::integer(0), operand, budget_);
}

Result<Value> Interpreter::value_of(const Filter& node) {
  TRY_ASSIGN(const Value input, evaluate(node.input));
  TRY_ASSIGN(const Arguments arguments, evaluate(node.arguments));
  return apply_filter(*this, node.name, input, arguments);
}

Result<Value> Interpreter::value_of(const Test& node) {
  TRY_ASSIGN(const Value input, evaluate(node.input));
  TRY_ASSIGN(const Arguments arguments, evaluate(node.arguments));
  TRY_ASSIGN(const bool holds, apply_test(*this, node.name, input, arguments));
  return Value::boolean(holds);
}

Result<Arguments> Interpreter::evaluate(const CallArguments& arguments) {
  Arguments all;
  for (const ExprPtr& expr : arguments.positional) {
    TRY_ASSIGN(Value value, evaluate(expr));
    all.positional.push_back(std::move(value));
  }
  TRY_ASSIGN(const Value spread, evaluate(arguments.spread));
  TRY_ASSIGN(const Value::List more, items_of(spread, budget_));
  all.positional.insert(all.positional.end(), more.begin(), more.end());
  for (const auto& [name, expr] : arguments.named) {
    TRY_ASSIGN(Value value, evaluate(expr));
    all.named.emplace_back(name, std::move(value));
  }
  return all;
}

Result<Value> Interpreter::value_of(const Call& node) {
  TRY_ASSIGN(const Value function, evaluate(node.callee));
  TRY_ASSIGN(const Arguments arguments, evaluate(node.arguments));
  return call(function, arguments);
}

Result<Value> Interpreter::call(const Value& function, const Arguments& arguments) {
  if (function.is(Value::Kind::kFunction)) return function.as_function()(*this, arguments);
  if (function.is_undefined() && function.undefined_name() != nullptr)
    return Error::corrupt("there is no function '{}'", *function.undefined_name());
  return Error::corrupt("a {} is called, expected a function", function.kind_name());
}

Result<Value> Interpreter::value_of(const Attribute& node) {
  TRY_ASSIGN(const Value object, evaluate(node.object));
  return attribute_of(object, node.name);
}

Result<Value> Interpreter::value_of(const Item& node) {
  TRY_ASSIGN(const Value object, evaluate(node.object));
  TRY_ASSIGN(const Value index, evaluate(node.index));
  return item_of(object, index, budget_);
}

Result<Value> Interpreter::value_of(const Slice& node) {
  TRY_ASSIGN(const Value object, evaluate(node.object));
  TRY_ASSIGN(const Value begin, evaluate(node.begin));
  TRY_ASSIGN(const Value end, evaluate(node.end));
  TRY_ASSIGN(const Value step, evaluate(node.step));
  return slice_of(object, begin, end, step, budget_);
}

Result<Value> Interpreter::value_of(const Name& node) {
  if (const Value* value = scope_->find(node.name)) return *value;
  return Value::undefined(node.name);
}

Result<Value> Interpreter::value_of(const ListLiteral& node) {
  TRY(budget_.spend_values(node.items.size()));
  Value::List items;
  for (const ExprPtr& expr : node.items) {
    TRY_ASSIGN(Value item, evaluate(expr));
    items.push_back(std::move(item));
  }
  return Value::list(std::move(items));
}

Result<Value> Interpreter::value_of(const MapLiteral& node) {
  TRY(budget_.spend_values(node.entries.size()));
  Map map;
  for (const auto& [key_expr, value_expr] : node.entries) {
    TRY_ASSIGN(const Value key, evaluate(key_expr));
    if (!key.is_text()) return Error::unsupported("a dictionary with {} as a key, expected text", key.kind_name());
    TRY_ASSIGN(Value value, evaluate(value_expr));
    map.set(key.as_text(), std::move(value));
  }
  return Value::map(std::move(map));
}

}  // namespace adder::jinja
