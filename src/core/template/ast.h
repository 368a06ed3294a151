#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/template/value.h"

namespace adder::jinja {

/// Expressions, loosest binding first as in the grammar of parser.h. A null pointer is a part left out.
struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct CallArguments {
  std::vector<ExprPtr> positional;
  ExprPtr spread;  ///< *list: its items follow the positional ones
  std::vector<std::pair<std::string, ExprPtr>> named;
};
struct Conditional {
  ExprPtr value, condition, otherwise;
};
struct Logic {
  bool is_and;
  ExprPtr left, right;
};
struct Not {
  ExprPtr operand;
};
/// a < b <= c: each pair of neighbours, in turn.
struct Comparison {
  ExprPtr first;
  std::vector<std::pair<std::string, ExprPtr>> rest;  ///< == != < <= > >= in "not in"
};
struct Binary {
  std::string op;  ///< + - * / // % **
  ExprPtr left, right;
};
struct Concat {
  std::vector<ExprPtr> parts;
};
struct Sign {
  bool negative;
  ExprPtr operand;
};
struct Filter {
  ExprPtr input;  ///< null in a {% filter %} or {% set %} block: its body
  std::string name;
  CallArguments arguments;
};
struct Test {
  ExprPtr input;
  std::string name;
  CallArguments arguments;
};
struct Call {
  ExprPtr callee;
  CallArguments arguments;
};
struct Attribute {
  ExprPtr object;
  std::string name;
};
struct Item {
  ExprPtr object, index;
};
struct Slice {
  ExprPtr object, begin, end, step;
};
struct Name {
  std::string name;
};
struct Literal {
  Value value;
};
struct ListLiteral {
  std::vector<ExprPtr> items;
};
struct MapLiteral {
  std::vector<std::pair<ExprPtr, ExprPtr>> entries;
};

struct Expr {
  using Node = std::variant<Conditional, Logic, Not, Comparison, Binary, Concat, Sign, Filter, Test, Call, Attribute,
                            Item, Slice, Name, Literal, ListLiteral, MapLiteral>;
  int line;
  int height;  ///< levels of the tree below, this one counted
  Node node;
};

struct Statement;
using Body = std::vector<Statement>;

struct Data {
  Value text;
};
struct Output {
  ExprPtr value;
};
struct If {
  struct Branch {
    ExprPtr condition;  ///< null: else
    Body body;
  };
  std::vector<Branch> branches;
};
struct For {
  std::vector<std::string> targets;
  ExprPtr items, condition;
  Body body, otherwise;
};
struct Set {
  std::vector<std::string> targets;  ///< several: unpacked
  ExprPtr value;
};
struct SetField {
  std::string space, field;
  ExprPtr value;
};
struct SetBlock {
  std::string target;
  std::vector<Filter> filters;
  Body body;
};
struct FilterBlock {
  std::vector<Filter> filters;
  Body body;
};
struct Parameter {
  std::string name;
  ExprPtr fallback;
};
struct Macro {
  std::string name;
  std::vector<Parameter> parameters;
  Body body;
};
/// {% call(parameters) macro(...) %} body {% endcall %}: the macro sees the body as caller().
struct CallBlock {
  Macro caller;
  ExprPtr call;
};
struct With {
  std::vector<std::pair<std::string, ExprPtr>> values;
  Body body;
};
/// {% generation %}: what the model said, marked for training; rendered as it is.
struct Group {
  Body body;
};
struct Break {};
struct Continue {};

struct Statement {
  using Node = std::variant<Data, Output, If, For, Set, SetField, SetBlock, FilterBlock, std::shared_ptr<const Macro>,
                            std::shared_ptr<const CallBlock>, With, Group, Break, Continue>;
  int line;
  Node node;
};

}  // namespace adder::jinja
