#pragma once

#include "core/template/ast.h"
#include "core/template/lexer.h"

namespace adder::jinja {

/// Tokens to a tree.
///
///   expression  = or ["if" or ["else" expression]]
///   or          = and {"or" and}                and = not {"and" not}            not = "not" not | comparison
///   comparison  = sum {(== != < <= > >= | ["not"] "in") sum}
///   sum         = concat {(+ | -) concat}       concat = product {~ product}
///   product     = power {(* | / | // | %) power}                                 power = unary {** unary}
///   unary       = (- | +) unary | primary {.name | [index] | [slice] | (arguments)} {"|" filter | "is" ["not"] test}
///   primary     = name | number | strings | true | false | none | (expression, ...) | [list] | {dictionary}
///
/// Statements: if, for, set, macro, call, filter, with, generation, break, continue. kCorrupt, with the line, what was
/// expected and what was found; kUnsupported for statements that read other templates, recursive loops and **arguments;
/// kTooLarge for a tree of more than kMostHeight levels.
Result<Body> parse(std::vector<Token> tokens);

inline constexpr int kMostHeight = 200;

}  // namespace adder::jinja
