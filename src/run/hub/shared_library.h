#pragma once

#include <initializer_list>
#include <string>

#include "core/base/result.h"

namespace adder {

/// A library opened when it is first needed, so that the program starts without it and runs where it is not installed.
/// It stays open until the process ends: libraries of this size start threads and keep global state.
class SharedLibrary {
 public:
  /// The first of `names` that the dynamic linker finds; else kNotFound, which names the Debian `package` that has it.
  static Result<SharedLibrary> open(std::initializer_list<const char*> names, std::string_view package);

  /// Fills `function` with the address of `symbol`; kUnsupported when this version of the library has none.
  template <class Function>
  Status find(const char* symbol, Function*& function) const {
    TRY_ASSIGN(void* const address, find(symbol));
    function = reinterpret_cast<Function*>(address);
    return {};
  }

 private:
  SharedLibrary(void* handle, std::string name) : handle_(handle), name_(std::move(name)) {}
  Result<void*> find(const char* symbol) const;

  void* handle_;
  std::string name_;
};

}  // namespace adder
