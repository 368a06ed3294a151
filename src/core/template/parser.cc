#include "core/template/parser.h"

#include "core/formats/names.h"
#include "core/template/expression_parser.h"

namespace adder::jinja {
namespace {

constexpr int kMostStatementDepth = 100;

class StatementParser {
  using Kind = Token::Kind;

 public:
  explicit StatementParser(std::vector<Token> tokens) : tokens_(std::move(tokens)), expressions_(tokens_) {}

  Result<Body> run() {
    TRY_ASSIGN(Body body, body_until({}));
    if (!tokens_.at(Kind::kEnd)) return tokens_.unexpected("text or a statement");
    return body;
  }

 private:
  bool at_tag(std::initializer_list<std::string_view> names) const {
    if (!tokens_.at(Kind::kBlockBegin) || tokens_.ahead().kind != Kind::kName) return false;
    for (const std::string_view name : names)
      if (tokens_.ahead().text == name) return true;
    return false;
  }

  /// Statements up to a tag with one of these names, which is not taken; to the end of the template if there are none.
  Result<Body> body_until(std::initializer_list<std::string_view> ends) {
    if (++depth_ > kMostStatementDepth)
      return Error::too_large("line {}: statements more than {} levels deep", tokens_.line(), kMostStatementDepth);
    Body body;
    while (!at_tag(ends)) {
      if (tokens_.at(Kind::kEnd)) {
        if (ends.size() == 0) break;
        return tokens_.unexpected(fmt::format("{{% {} %}}", *(ends.end() - 1)));
      }
      TRY_ASSIGN(Statement next, statement());
      body.push_back(std::move(next));
    }
    --depth_;
    return body;
  }

  /// The tag that ended a body, up to its end; returns its name.
  Result<std::string> take_tag() {
    tokens_.take();
    const std::string name = tokens_.take().text;
    TRY(block_end());
    return name;
  }

  Status block_end() {
    if (!tokens_.at(Kind::kBlockEnd)) return tokens_.unexpected("'%}'");
    tokens_.take();
    return {};
  }

  Result<Statement> statement() {
    const int line = tokens_.line();
    if (tokens_.at(Kind::kData)) return Statement{line, Data{Value::text(tokens_.take().text)}};
    if (tokens_.at(Kind::kVariableBegin)) {
      tokens_.take();
      TRY_ASSIGN(ExprPtr value, expressions_.list_or_expression());
      if (!tokens_.at(Kind::kVariableEnd)) return tokens_.unexpected("'}}'");
      tokens_.take();
      return Statement{line, Output{std::move(value)}};
    }
    tokens_.take();
    TRY_ASSIGN(const std::string name, tokens_.expect_name("the name of a statement"));
    TRY_ASSIGN(Statement::Node node, tag(name, line));
    return Statement{line, std::move(node)};
  }

  Result<Statement::Node> tag(const std::string& name, int line) {
    if (name == "if") return if_tag();
    if (name == "for") return for_tag();
    if (name == "set") return set_tag();
    if (name == "macro") return macro_tag();
    if (name == "call") return call_tag();
    if (name == "filter") return filter_tag();
    if (name == "with") return with_tag();
    if (name == "generation") return group_tag();
    if (name == "break" || name == "continue") {
      TRY(block_end());
      if (loops_ == 0) return Error::corrupt("line {}: {{% {} %}} outside of a loop", line, name);
      return name == "break" ? Statement::Node(Break{}) : Statement::Node(Continue{});
    }
    for (const std::string_view known : {"include", "import", "from", "extends", "block", "do", "autoescape", "trans"})
      if (name == known) return Error::unsupported("line {}: {{% {} %}} is not supported", line, name);
    return Error::corrupt("line {}: expected a statement, found {}", line, quote(name));
  }

  Result<Statement::Node> if_tag() {
    If all;
    for (std::string name = "if"; name != "endif";) {
      ExprPtr condition;
      if (name != "else") {
        TRY_ASSIGN(condition, expressions_.list_or_expression());
        TRY(block_end());
      }
      const bool last = name == "else";
      TRY_ASSIGN(Body body, last ? body_until({"endif"}) : body_until({"elif", "else", "endif"}));
      all.branches.push_back({std::move(condition), std::move(body)});
      tokens_.take();
      name = tokens_.take().text;
      if (name != "elif") TRY(block_end());
    }
    return all;
  }

  /// name, or several with commas between, perhaps in parentheses.
  Result<std::vector<std::string>> targets() {
    std::vector<std::string> names;
    const bool parentheses = tokens_.skip_operator("(");
    do {
      TRY_ASSIGN(std::string name, tokens_.expect_name("a name to assign to"));
      names.push_back(std::move(name));
    } while (tokens_.skip_operator(","));
    if (parentheses) TRY(tokens_.expect_operator(")"));
    return names;
  }

  Result<Statement::Node> for_tag() {
    For loop;
    TRY_ASSIGN(loop.targets, targets());
    if (!tokens_.skip_name("in")) return tokens_.unexpected("'in'");
    TRY_ASSIGN(loop.items, expressions_.without_condition());
    if (tokens_.skip_name("if")) {
      TRY_ASSIGN(loop.condition, expressions_.expression());
    }
    if (tokens_.at_name("recursive"))
      return Error::unsupported("line {}: recursive loops are not supported", tokens_.line());
    TRY(block_end());
    ++loops_;
    TRY_ASSIGN(loop.body, body_until({"else", "endfor"}));
    --loops_;
    TRY_ASSIGN(const std::string end, take_tag());
    if (end == "else") {
      TRY_ASSIGN(loop.otherwise, body_until({"endfor"}));
      TRY(take_tag());
    }
    return loop;
  }

  Result<Statement::Node> set_tag() {
    if (tokens_.ahead().kind == Kind::kOperator && tokens_.ahead().text == ".") {
      SetField set;
      TRY_ASSIGN(set.space, tokens_.expect_name("the name of a namespace"));
      tokens_.take();
      TRY_ASSIGN(set.field, tokens_.expect_name("a name to assign to"));
      TRY(tokens_.expect_operator("="));
      TRY_ASSIGN(set.value, expressions_.list_or_expression());
      TRY(block_end());
      return set;
    }
    TRY_ASSIGN(std::vector<std::string> names, targets());
    if (tokens_.skip_operator("=")) {
      Set set{std::move(names), nullptr};
      TRY_ASSIGN(set.value, expressions_.list_or_expression());
      TRY(block_end());
      return set;
    }
    if (names.size() > 1) return tokens_.unexpected("'='");
    SetBlock set;
    set.target = names[0];
    TRY_ASSIGN(set.filters, expressions_.filters(false));
    TRY(block_end());
    TRY_ASSIGN(set.body, body_until({"endset"}));
    TRY(take_tag());
    return set;
  }

  Result<std::vector<Parameter>> parameters() {
    std::vector<Parameter> all;
    TRY(tokens_.expect_operator("("));
    while (!tokens_.at_operator(")")) {
      Parameter parameter;
      TRY_ASSIGN(parameter.name, tokens_.expect_name("the name of a parameter"));
      if (tokens_.skip_operator("=")) {
        TRY_ASSIGN(parameter.fallback, expressions_.expression());
      } else if (!all.empty() && all.back().fallback != nullptr) {
        return tokens_.unexpected("'=' after a parameter with a default");
      }
      all.push_back(std::move(parameter));
      if (!tokens_.skip_operator(",")) break;
    }
    TRY(tokens_.expect_operator(")"));
    return all;
  }

  /// A body in which {% break %} does not end a loop outside of it.
  Result<Body> function_body(std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    TRY_ASSIGN(Body body, body_until({end}));
    TRY(take_tag());
    loops_ = loops;
    return body;
  }

  Result<Statement::Node> macro_tag() {
    Macro macro;
    TRY_ASSIGN(macro.name, tokens_.expect_name("the name of a macro"));
    TRY_ASSIGN(macro.parameters, parameters());
    TRY(block_end());
    TRY_ASSIGN(macro.body, function_body("endmacro"));
    return std::make_shared<const Macro>(std::move(macro));
  }

  Result<Statement::Node> call_tag() {
    CallBlock block;
    block.caller.name = "caller";
    if (tokens_.at_operator("(")) {
      TRY_ASSIGN(block.caller.parameters, parameters());
    }
    TRY_ASSIGN(block.call, expressions_.expression());
    if (!std::holds_alternative<Call>(block.call->node)) return tokens_.unexpected("a call");
    TRY(block_end());
    TRY_ASSIGN(block.caller.body, function_body("endcall"));
    return std::make_shared<const CallBlock>(std::move(block));
  }

  Result<Statement::Node> filter_tag() {
    FilterBlock block;
    TRY_ASSIGN(block.filters, expressions_.filters(true));
    TRY(block_end());
    TRY_ASSIGN(block.body, body_until({"endfilter"}));
    TRY(take_tag());
    return block;
  }

  Result<Statement::Node> with_tag() {
    With block;
    while (!tokens_.at(Kind::kBlockEnd)) {
      TRY_ASSIGN(std::string name, tokens_.expect_name("a name to assign to"));
      TRY(tokens_.expect_operator("="));
      TRY_ASSIGN(ExprPtr value, expressions_.expression());
      block.values.emplace_back(std::move(name), std::move(value));
      if (!tokens_.skip_operator(",")) break;
    }
    TRY(block_end());
    TRY_ASSIGN(block.body, body_until({"endwith"}));
    TRY(take_tag());
    return block;
  }

  Result<Statement::Node> group_tag() {
    TRY(block_end());
    TRY_ASSIGN(Body body, body_until({"endgeneration"}));
    TRY(take_tag());
    return Group{std::move(body)};
  }

  TokenCursor tokens_;
  ExpressionParser expressions_;
  int depth_ = 0;
  int loops_ = 0;
};

}  // namespace

Result<Body> parse(std::vector<Token> tokens) {
  return StatementParser(std::move(tokens)).run();
}

}  // namespace adder::jinja
