// What operators stand between: names, literals and brackets, and what follows them.
#include <algorithm>
#include <charconv>

#include "core/formats/names.h"
#include "core/template/expression_parser.h"
#include "core/template/tree_height.h"

namespace adder::jinja {

Result<ExprPtr> ExpressionParser::primary() {
  switch (tokens_.now().kind) {
    case Token::Kind::kName:
      return name();
    case Token::Kind::kString:
      return strings();
    case Token::Kind::kInteger:
    case Token::Kind::kFloat:
      return number();
    default:
      break;
  }
  if (tokens_.at_operator("(")) {
    tokens_.take();
    if (tokens_.at_operator(")")) return list(")", nullptr);
    TRY_ASSIGN(ExprPtr first, expression());
    if (tokens_.at_operator(",")) return list(")", std::move(first));
    TRY(tokens_.expect_operator(")"));
    return first;
  }
  if (tokens_.skip_operator("[")) return list("]", nullptr);
  if (tokens_.skip_operator("{")) return dictionary();
  return tokens_.unexpected("an expression");
}

Result<ExprPtr> ExpressionParser::name() {
  const Token token = tokens_.take();
  if (token.text == "true" || token.text == "True") return make(token.line, 0, Literal{Value::boolean(true)});
  if (token.text == "false" || token.text == "False") return make(token.line, 0, Literal{Value::boolean(false)});
  if (token.text == "none" || token.text == "None") return make(token.line, 0, Literal{Value::none()});
  return make(token.line, 0, Name{token.text});
}

Result<ExprPtr> ExpressionParser::number() {
  const Token token = tokens_.take();
  const char* end = token.text.data() + token.text.size();
  if (token.kind == Token::Kind::kInteger) {
    int64_t value = 0;
    if (std::from_chars(token.text.data(), end, value).ec != std::errc())
      return Error::unsupported("line {}: the number {} does not fit 64 bits", token.line, quote(token.text));
    return make(token.line, 0, Literal{Value::integer(value)});
  }
  double value = 0;
  if (std::from_chars(token.text.data(), end, value).ec != std::errc())
    return Error::unsupported("line {}: the number {} is out of range", token.line, quote(token.text));
  return make(token.line, 0, Literal{Value::number(value)});
}

Result<ExprPtr> ExpressionParser::strings() {
  const int line = tokens_.line();
  std::string text;
  while (tokens_.at(Token::Kind::kString)) text += tokens_.take().text;
  return make(line, 0, Literal{Value::text(text)});
}

/// Items up to `close`, or up to where no comma follows; `first`, if any, has been read.
Result<ExprPtr> ExpressionParser::list(std::string_view close, ExprPtr first) {
  const int line = tokens_.line();
  ListLiteral list;
  if (first != nullptr) {
    list.items.push_back(std::move(first));
    TRY(tokens_.expect_operator(","));
  }
  while (close.empty() ? !tokens_.at(Token::Kind::kBlockEnd) && !tokens_.at(Token::Kind::kVariableEnd)
                       : !tokens_.at_operator(close)) {
    TRY_ASSIGN(ExprPtr item, expression());
    list.items.push_back(std::move(item));
    if (!tokens_.skip_operator(",")) break;
  }
  if (!close.empty()) TRY(tokens_.expect_operator(close));
  const int below = height(list.items);
  return make(line, below, std::move(list));
}

Result<ExprPtr> ExpressionParser::dictionary() {
  const int line = tokens_.line();
  MapLiteral map;
  int below = 0;
  while (!tokens_.at_operator("}")) {
    TRY_ASSIGN(ExprPtr key, expression());
    TRY(tokens_.expect_operator(":"));
    TRY_ASSIGN(ExprPtr value, expression());
    below = std::max({below, height(key), height(value)});
    map.entries.emplace_back(std::move(key), std::move(value));
    if (!tokens_.skip_operator(",")) break;
  }
  TRY(tokens_.expect_operator("}"));
  return make(line, below, std::move(map));
}

Result<ExprPtr> ExpressionParser::postfix(ExprPtr object, bool with_filters) {
  for (bool filtered = false;;) {
    if (!filtered && tokens_.at_operator(".")) {
      const int line = tokens_.take().line;
      const int below = height(object);
      if (tokens_.at(Token::Kind::kInteger)) {
        TRY_ASSIGN(ExprPtr index, number());
        TRY_ASSIGN(object, make(line, below, Item{std::move(object), std::move(index)}));
      } else {
        TRY_ASSIGN(std::string name, tokens_.expect_name("the name of an attribute"));
        TRY_ASSIGN(object, make(line, below, Attribute{std::move(object), std::move(name)}));
      }
    } else if (!filtered && tokens_.at_operator("[")) {
      TRY_ASSIGN(object, subscript(std::move(object)));
    } else if (tokens_.at_operator("(") && (!filtered || with_filters)) {
      const int line = tokens_.line();
      TRY_ASSIGN(CallArguments given, arguments());
      const int below = std::max(height(object), height(given));
      TRY_ASSIGN(object, make(line, below, Call{std::move(object), std::move(given)}));
    } else if (with_filters && tokens_.skip_operator("|")) {
      filtered = true;
      TRY_ASSIGN(object, filter(std::move(object)));
    } else if (with_filters && tokens_.skip_name("is")) {
      filtered = true;
      TRY_ASSIGN(object, test(std::move(object)));
    } else {
      return object;
    }
  }
}

Result<ExprPtr> ExpressionParser::subscript(ExprPtr object) {
  const int line = tokens_.take().line;
  ExprPtr parts[3];
  size_t part = 0;
  while (!tokens_.at_operator("]")) {
    if (tokens_.at_operator(":") && part < 2) {
      tokens_.take();
      ++part;
    } else if (parts[part] == nullptr) {
      TRY_ASSIGN(parts[part], expression());
    } else {
      break;
    }
  }
  TRY(tokens_.expect_operator("]"));
  const int below = std::max({height(object), height(parts[0]), height(parts[1]), height(parts[2])});
  if (part > 0)
    return make(line, below, Slice{std::move(object), std::move(parts[0]), std::move(parts[1]), std::move(parts[2])});
  if (parts[0] == nullptr) return tokens_.unexpected("an index");
  return make(line, below, Item{std::move(object), std::move(parts[0])});
}

Result<std::string> ExpressionParser::dotted_name(std::string_view what) {
  TRY_ASSIGN(std::string name, tokens_.expect_name(what));
  while (tokens_.skip_operator(".")) {
    TRY_ASSIGN(const std::string more, tokens_.expect_name(what));
    name += "." + more;
  }
  return name;
}

Result<ExprPtr> ExpressionParser::filter(ExprPtr input) {
  const int line = tokens_.line();
  Filter filter;
  TRY_ASSIGN(filter.name, dotted_name("the name of a filter"));
  if (tokens_.at_operator("(")) {
    TRY_ASSIGN(filter.arguments, arguments());
  }
  const int below = std::max(height(input), height(filter.arguments));
  filter.input = std::move(input);
  return make(line, below, std::move(filter));
}

Result<std::vector<Filter>> ExpressionParser::filters(bool first) {
  std::vector<Filter> all;
  while (first || tokens_.skip_operator("|")) {
    first = false;
    TRY_ASSIGN(ExprPtr one, filter(nullptr));
    all.push_back(std::move(std::get<Filter>(one->node)));
  }
  return all;
}

bool ExpressionParser::test_argument_follows() const {
  switch (tokens_.now().kind) {
    case Token::Kind::kString:
    case Token::Kind::kInteger:
    case Token::Kind::kFloat:
      return true;
    case Token::Kind::kName: {
      static constexpr std::string_view kNotArguments[] = {"else", "or", "and", "if", "is", "in", "not"};
      return std::find(std::begin(kNotArguments), std::end(kNotArguments), tokens_.now().text) ==
             std::end(kNotArguments);
    }
    default:
      return tokens_.at_operator("[") || tokens_.at_operator("{");
  }
}

Result<ExprPtr> ExpressionParser::test(ExprPtr input) {
  const int line = tokens_.line();
  const bool negated = tokens_.skip_name("not");
  Test test;
  TRY_ASSIGN(test.name, dotted_name("the name of a test"));
  if (tokens_.at_operator("(")) {
    TRY_ASSIGN(test.arguments, arguments());
  } else if (test_argument_follows()) {
    TRY_ASSIGN(ExprPtr argument, primary());
    TRY_ASSIGN(argument, postfix(std::move(argument), false));
    test.arguments.positional.push_back(std::move(argument));
  }
  const int below = std::max(height(input), height(test.arguments));
  test.input = std::move(input);
  TRY_ASSIGN(ExprPtr result, make(line, below, std::move(test)));
  return negated ? make(line, height(result), Not{std::move(result)}) : std::move(result);
}

Result<CallArguments> ExpressionParser::arguments() {
  CallArguments all;
  TRY(tokens_.expect_operator("("));
  while (!tokens_.at_operator(")")) {
    if (tokens_.at_operator("**")) return Error::unsupported("line {}: **arguments are not supported", tokens_.line());
    if (all.spread == nullptr && all.named.empty() && tokens_.skip_operator("*")) {
      TRY_ASSIGN(all.spread, expression());
      if (!tokens_.skip_operator(",")) break;
      continue;
    }
    const bool named =
        tokens_.at(Token::Kind::kName) && tokens_.ahead().kind == Token::Kind::kOperator && tokens_.ahead().text == "=";
    std::string name = named ? tokens_.take().text : "";
    if (named) tokens_.take();
    if (!named && (!all.named.empty() || all.spread != nullptr)) return tokens_.unexpected("a named argument");
    TRY_ASSIGN(ExprPtr value, expression());
    if (named) {
      all.named.emplace_back(std::move(name), std::move(value));
    } else {
      all.positional.push_back(std::move(value));
    }
    if (!tokens_.skip_operator(",")) break;
  }
  TRY(tokens_.expect_operator(")"));
  return all;
}

}  // namespace adder::jinja
