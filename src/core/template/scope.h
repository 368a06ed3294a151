#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/template/value.h"

namespace adder::jinja {

/// The names of one block; those of the blocks around it can be read from it and not be changed.
class Scope {
 public:
  explicit Scope(std::shared_ptr<Scope> outer = nullptr) : outer_(std::move(outer)) {}

  void set(std::string_view name, Value value) {
    for (auto& [known, old] : names_) {
      if (known == name) {
        old = std::move(value);
        return;
      }
    }
    names_.emplace_back(name, std::move(value));
  }

  /// Null where no block around has the name.
  const Value* find(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer_.get())
      for (const auto& [known, value] : scope->names_)
        if (known == name) return &value;
    return nullptr;
  }

 private:
  std::vector<std::pair<std::string, Value>> names_;
  std::shared_ptr<Scope> outer_;
};

}  // namespace adder::jinja
