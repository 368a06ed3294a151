#pragma once

#include <algorithm>

#include "core/template/ast.h"

namespace adder::jinja {

/// Levels of the highest of the trees given; 0 where there is none.
inline int height(const ExprPtr& expr) {
  return expr == nullptr ? 0 : expr->height;
}

inline int height(const CallArguments& arguments) {
  int most = height(arguments.spread);
  for (const ExprPtr& argument : arguments.positional) most = std::max(most, height(argument));
  for (const auto& [name, argument] : arguments.named) most = std::max(most, height(argument));
  return most;
}

inline int height(const std::vector<ExprPtr>& all) {
  int most = 0;
  for (const ExprPtr& expr : all) most = std::max(most, height(expr));
  return most;
}

}  // namespace adder::jinja
