#include "core/template/interpreter.h"

#include "core/base/check.h"
#include "core/template/filters.h"
#include "core/template/iteration.h"
#include "core/template/value_writer.h"

namespace adder::jinja {

template <class F>
auto Interpreter::within_new_scope(std::shared_ptr<Scope> outer, F&& f) {
  const std::shared_ptr<Scope> before = std::exchange(scope_, std::make_shared<Scope>(std::move(outer)));
  auto result = f();
  scope_ = before;
  return result;
}

Result<Text> Interpreter::run(const Body& body, const Map& variables) {
  scope_ = std::make_shared<Scope>();
  for (const auto& [name, value] : variables.entries()) scope_->set(name.bytes(), value);
  Text out;
  out_ = &out;
  TRY(run(body));
  return out;
}

Value Interpreter::new_namespace(Map fields) {
  return Value::of(&namespaces_.emplace_back(Namespace{std::move(fields)}));
}

Status Interpreter::write(const Text& text) {
  if (text.bytes().size() > limits_.output_bytes - out_->bytes().size())
    return Error::too_large("more than {} bytes of output", limits_.output_bytes);
  TRY(budget_.spend_bytes(text.bytes().size()));
  out_->append(text);
  return {};
}

Result<Interpreter::Flow> Interpreter::run(const Body& body) {
  for (const Statement& statement : body) {
    TRY_ASSIGN(const Flow flow, run(statement));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run(const Statement& statement) {
  if (depth_ >= kMostDepth) return Error::too_large("more than {} levels deep: a macro that calls itself?", kMostDepth);
  TRY(budget_.spend_steps(1));
  line_ = statement.line;
  ++depth_;
  auto flow = std::visit([&](const auto& node) { return run(node); }, statement.node);
  --depth_;
  return flow;
}

Result<Interpreter::Flow> Interpreter::run(const Data& data) {
  TRY(write(data.text.as_text()));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run(const Output& output) {
  TRY_ASSIGN(const Value value, evaluate(output.value));
  TRY_ASSIGN(const Text text, to_text(value, budget_));
  TRY(write(text));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run(const If& all) {
  for (const If::Branch& branch : all.branches) {
    if (branch.condition != nullptr) {
      TRY_ASSIGN(const Value condition, evaluate(branch.condition));
      if (!condition.truth()) continue;
    }
    return run(branch.body);
  }
  return Flow::kNext;
}

/// Those that pass the loop's own condition: `loop` counts them alone.
Result<Value::List> Interpreter::loop_items(const For& loop) {
  TRY_ASSIGN(const Value all, evaluate(loop.items));
  TRY_ASSIGN(Value::List items, items_of(all, budget_));
  if (loop.condition == nullptr) return items;
  Value::List chosen;
  for (Value& item : items) {
    TRY_ASSIGN(const Value condition, within_new_scope(scope_, [&]() -> Result<Value> {
                 TRY(assign(loop.targets, item));
                 return evaluate(loop.condition);
               }));
    if (condition.truth()) chosen.push_back(std::move(item));
  }
  return chosen;
}

Result<Interpreter::Flow> Interpreter::run(const For& loop) {
  TRY_ASSIGN(const Value::List items, loop_items(loop));
  if (items.empty()) return run(loop.otherwise);
  for (size_t i = 0; i < items.size(); ++i) {
    TRY(budget_.spend_values(1));
    TRY_ASSIGN(const Flow flow, within_new_scope(scope_, [&]() -> Result<Flow> {
                 TRY(assign(loop.targets, items[i]));
                 scope_->set("loop", loop_variable(items, i));
                 return run(loop.body);
               }));
    if (flow == Flow::kBreak) break;
  }
  return Flow::kNext;
}

Status Interpreter::assign(const std::vector<std::string>& targets, const Value& value) {
  if (targets.size() == 1) {
    scope_->set(targets[0], value);
    return {};
  }
  TRY_ASSIGN(const Value::List items, items_of(value, budget_));
  if (items.size() != targets.size())
    return Error::corrupt("expected {} values to unpack, found {}", targets.size(), items.size());
  for (size_t i = 0; i < items.size(); ++i) scope_->set(targets[i], items[i]);
  return {};
}

Result<Interpreter::Flow> Interpreter::run(const Set& set) {
  TRY_ASSIGN(const Value value, evaluate(set.value));
  TRY(assign(set.targets, value));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run(const SetField& set) {
  TRY_ASSIGN(Value value, evaluate(set.value));
  const Value* space = scope_->find(set.space);
  if (space == nullptr || !space->is(Value::Kind::kNamespace))
    return Error::corrupt("'{}.{}' is set, but '{}' is no namespace", set.space, set.field, set.space);
  space->as_namespace().fields.set(Text(set.field), std::move(value));
  return Flow::kNext;
}

Result<Text> Interpreter::captured(const Body& body) {
  Text text;
  Text* const before = std::exchange(out_, &text);
  TRY_ASSIGN(const Flow flow, run(body));
  if (flow != Flow::kNext) return Error::unsupported("a loop is left from inside a block whose text is captured");
  out_ = before;
  return text;
}

Result<Value> Interpreter::filtered(Value input, const std::vector<Filter>& filters) {
  for (const Filter& filter : filters) {
    TRY_ASSIGN(const Arguments arguments, evaluate(filter.arguments));
    TRY_ASSIGN(input, apply_filter(*this, filter.name, input, arguments));
  }
  return input;
}

Result<Interpreter::Flow> Interpreter::run(const SetBlock& set) {
  TRY_ASSIGN(Text text, within_new_scope(scope_, [&] { return captured(set.body); }));
  TRY_ASSIGN(Value value, filtered(Value::text(std::move(text)), set.filters));
  scope_->set(set.target, std::move(value));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run(const FilterBlock& block) {
  TRY_ASSIGN(Text text, within_new_scope(scope_, [&] { return captured(block.body); }));
  TRY_ASSIGN(const Value value, filtered(Value::text(std::move(text)), block.filters));
  TRY_ASSIGN(const Text shown, to_text(value, budget_));
  TRY(write(shown));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::run(const With& with) {
  std::vector<Value> values;  // all seen from outside of the block
  for (const auto& [name, expr] : with.values) {
    TRY_ASSIGN(Value value, evaluate(expr));
    values.push_back(std::move(value));
  }
  return within_new_scope(scope_, [&]() -> Result<Flow> {
    for (size_t i = 0; i < values.size(); ++i) scope_->set(with.values[i].first, std::move(values[i]));
    return run(with.body);
  });
}

/// The function does not keep the names alive that it sees: they hold the function.
Value Interpreter::macro_function(std::shared_ptr<const Macro> macro) const {
  return Value::function([macro = std::move(macro), names = std::weak_ptr<Scope>(scope_)](
                             Interpreter& self, const Arguments& arguments) -> Result<Value> {
    const std::shared_ptr<Scope> scope = names.lock();
    if (scope == nullptr) return Error::unsupported("macro '{}' is called outside the block that has it", macro->name);
    return self.call_macro(*macro, scope, arguments);
  });
}

Result<Interpreter::Flow> Interpreter::run(const std::shared_ptr<const Macro>& macro) {
  scope_->set(macro->name, macro_function(macro));
  return Flow::kNext;
}

Result<Value> Interpreter::call_macro(const Macro& macro, const std::shared_ptr<Scope>& scope,
                                      const Arguments& arguments) {
  std::vector<std::string_view> names;
  for (const Parameter& parameter : macro.parameters) names.push_back(parameter.name);
  names.push_back("caller");
  TRY_ASSIGN(const std::vector<Value> values, arguments.bind(macro.name, names));
  TRY_ASSIGN(Text text, within_new_scope(scope, [&]() -> Result<Text> {
               for (size_t i = 0; i < names.size(); ++i) {
                 const bool fall_back =
                     values[i].is_undefined() && i < macro.parameters.size() && macro.parameters[i].fallback != nullptr;
                 if (!fall_back) {
                   scope_->set(names[i],
                               values[i].is_undefined() ? Value::undefined(std::string(names[i])) : values[i]);
                   continue;
                 }
                 TRY_ASSIGN(Value fallback, evaluate(macro.parameters[i].fallback));
                 scope_->set(names[i], std::move(fallback));
               }
               return captured(macro.body);
             }));
  return Value::text(std::move(text));
}

Result<Interpreter::Flow> Interpreter::run(const std::shared_ptr<const CallBlock>& block) {
  const auto& call_node = std::get<Call>(block->call->node);
  TRY_ASSIGN(const Value function, evaluate(call_node.callee));
  TRY_ASSIGN(Arguments arguments, evaluate(call_node.arguments));
  const std::shared_ptr<const Macro> caller(block, &block->caller);
  arguments.named.emplace_back("caller", macro_function(caller));
  TRY_ASSIGN(const Value value, call(function, arguments));
  TRY_ASSIGN(const Text text, to_text(value, budget_));
  TRY(write(text));
  return Flow::kNext;
}

}  // namespace adder::jinja
