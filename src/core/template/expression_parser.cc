#include "core/template/expression_parser.h"

#include <algorithm>

#include "core/template/parser.h"
#include "core/template/tree_height.h"

namespace adder::jinja {
namespace {

/// The operator of a comparison, if one stands here; else nothing.
std::string take_comparison(TokenCursor& tokens) {
  for (const std::string_view op : {"==", "!=", "<", "<=", ">", ">="})
    if (tokens.at_operator(op)) return tokens.take().text;
  if (tokens.at_name("in")) return tokens.take().text;
  if (!tokens.at_name("not") || tokens.ahead().kind != Token::Kind::kName || tokens.ahead().text != "in") return {};
  tokens.take();
  return "not " + tokens.take().text;
}

}  // namespace

Result<ExprPtr> ExpressionParser::make(int line, int below, Expr::Node node) const {
  if (below >= kMostHeight) return Error::too_large("line {}: expressions more than {} levels deep", line, kMostHeight);
  return std::make_unique<Expr>(Expr{line, below + 1, std::move(node)});
}

Result<ExprPtr> ExpressionParser::expression() {
  if (++depth_ > kMostHeight)
    return Error::too_large("line {}: expressions more than {} levels deep", tokens_.line(), kMostHeight);
  auto result = conditional();
  --depth_;
  return result;
}

Result<ExprPtr> ExpressionParser::list_or_expression() {
  TRY_ASSIGN(ExprPtr first, expression());
  if (!tokens_.at_operator(",")) return first;
  return list("", std::move(first));
}

Result<ExprPtr> ExpressionParser::conditional() {
  const int line = tokens_.line();
  TRY_ASSIGN(ExprPtr value, logic_or());
  while (tokens_.skip_name("if")) {
    TRY_ASSIGN(ExprPtr condition, logic_or());
    ExprPtr otherwise;
    if (tokens_.skip_name("else")) {
      TRY_ASSIGN(otherwise, expression());
    }
    const int below = std::max({height(value), height(condition), height(otherwise)});
    TRY_ASSIGN(value, make(line, below, Conditional{std::move(value), std::move(condition), std::move(otherwise)}));
  }
  return value;
}

Result<ExprPtr> ExpressionParser::logic_or() {
  const int line = tokens_.line();
  TRY_ASSIGN(ExprPtr left, logic_and());
  while (tokens_.skip_name("or")) {
    TRY_ASSIGN(ExprPtr right, logic_and());
    const int below = std::max(height(left), height(right));
    TRY_ASSIGN(left, make(line, below, Logic{false, std::move(left), std::move(right)}));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::logic_and() {
  const int line = tokens_.line();
  TRY_ASSIGN(ExprPtr left, logic_not());
  while (tokens_.skip_name("and")) {
    TRY_ASSIGN(ExprPtr right, logic_not());
    const int below = std::max(height(left), height(right));
    TRY_ASSIGN(left, make(line, below, Logic{true, std::move(left), std::move(right)}));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::logic_not() {
  std::vector<int> lines;
  while (tokens_.at_name("not")) lines.push_back(tokens_.take().line);
  TRY_ASSIGN(ExprPtr operand, comparison());
  for (; !lines.empty(); lines.pop_back()) {
    TRY_ASSIGN(operand, make(lines.back(), height(operand), Not{std::move(operand)}));
  }
  return operand;
}

Result<ExprPtr> ExpressionParser::comparison() {
  const int line = tokens_.line();
  TRY_ASSIGN(ExprPtr first, sum());
  Comparison comparison;
  int below = height(first);
  for (std::string op = take_comparison(tokens_); !op.empty(); op = take_comparison(tokens_)) {
    TRY_ASSIGN(ExprPtr operand, sum());
    below = std::max(below, height(operand));
    comparison.rest.emplace_back(std::move(op), std::move(operand));
  }
  if (comparison.rest.empty()) return first;
  comparison.first = std::move(first);
  return make(line, below, std::move(comparison));
}

Result<ExprPtr> ExpressionParser::chain(Rule operand, std::initializer_list<std::string_view> operators) {
  const int line = tokens_.line();
  TRY_ASSIGN(ExprPtr left, (this->*operand)());
  while (tokens_.at(Token::Kind::kOperator) &&
         std::find(operators.begin(), operators.end(), tokens_.now().text) != operators.end()) {
    std::string op = tokens_.take().text;
    TRY_ASSIGN(ExprPtr right, (this->*operand)());
    const int below = std::max(height(left), height(right));
    TRY_ASSIGN(left, make(line, below, Binary{std::move(op), std::move(left), std::move(right)}));
  }
  return left;
}

Result<ExprPtr> ExpressionParser::sum() {
  return chain(&ExpressionParser::concat, {"+", "-"});
}

Result<ExprPtr> ExpressionParser::concat() {
  const int line = tokens_.line();
  TRY_ASSIGN(ExprPtr first, product());
  if (!tokens_.at_operator("~")) return first;
  Concat concat;
  concat.parts.push_back(std::move(first));
  while (tokens_.skip_operator("~")) {
    TRY_ASSIGN(ExprPtr part, product());
    concat.parts.push_back(std::move(part));
  }
  const int below = height(concat.parts);
  return make(line, below, std::move(concat));
}

Result<ExprPtr> ExpressionParser::product() {
  return chain(&ExpressionParser::power, {"*", "/", "//", "%"});
}

Result<ExprPtr> ExpressionParser::power() {
  return chain(&ExpressionParser::signed_operand, {"**"});
}

Result<ExprPtr> ExpressionParser::unary(bool with_filters) {
  const int line = tokens_.line();
  std::vector<bool> signs;
  while (tokens_.at_operator("-") || tokens_.at_operator("+")) {
    signs.push_back(tokens_.take().text == "-");
    with_filters = with_filters && signs.size() == 1;
  }
  TRY_ASSIGN(ExprPtr operand, primary());
  const bool bare = signs.empty();
  TRY_ASSIGN(operand, postfix(std::move(operand), with_filters && bare));
  for (; !signs.empty(); signs.pop_back()) {
    TRY_ASSIGN(operand, make(line, height(operand), Sign{signs.back(), std::move(operand)}));
  }
  return bare ? std::move(operand) : postfix(std::move(operand), true);
}

}  // namespace adder::jinja
