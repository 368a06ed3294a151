#pragma once

#include "core/template/ast.h"
#include "core/template/token_cursor.h"

namespace adder::jinja {

/// The expressions of parser.h's grammar.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenCursor& tokens) : tokens_(tokens) {}

  Result<ExprPtr> expression();
  /// Without the "if" of a conditional, which ends the items of a loop.
  Result<ExprPtr> without_condition() { return logic_or(); }
  /// An expression, or several with commas between: then a list.
  Result<ExprPtr> list_or_expression();
  /// "|" filter {"|" filter}, or with `first` without the first "|".
  Result<std::vector<Filter>> filters(bool first);

 private:
  using Rule = Result<ExprPtr> (ExpressionParser::*)();

  Result<ExprPtr> conditional();
  Result<ExprPtr> logic_or();
  Result<ExprPtr> logic_and();
  Result<ExprPtr> logic_not();
  Result<ExprPtr> comparison();
  Result<ExprPtr> sum();
  Result<ExprPtr> concat();
  Result<ExprPtr> product();
  Result<ExprPtr> power();
  Result<ExprPtr> unary(bool with_filters);
  Result<ExprPtr> signed_operand() { return unary(true); }
  Result<ExprPtr> primary();
  Result<ExprPtr> name();
  Result<ExprPtr> number();
  Result<ExprPtr> strings();
  Result<ExprPtr> list(std::string_view close, ExprPtr first);
  Result<ExprPtr> dictionary();
  Result<ExprPtr> postfix(ExprPtr object, bool with_filters);
  Result<ExprPtr> subscript(ExprPtr object);
  Result<ExprPtr> filter(ExprPtr input);
  Result<ExprPtr> test(ExprPtr input);
  Result<CallArguments> arguments();
  Result<std::string> dotted_name(std::string_view what);
  Result<ExprPtr> chain(Rule operand, std::initializer_list<std::string_view> operators);
  bool test_argument_follows() const;

  /// An expression at `line`; kTooLarge when `below`, the height of its parts, is already kMostHeight.
  Result<ExprPtr> make(int line, int below, Expr::Node node) const;

  TokenCursor& tokens_;
  int depth_ = 0;
};

}  // namespace adder::jinja
