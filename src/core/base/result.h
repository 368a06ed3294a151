#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace adder {

/// What kind of thing went wrong; `adder` turns it into an exit status (see `exit_status`).
enum class ErrorCode {
  kUsage,        ///< a flag or request that makes no sense
  kNotFound,     ///< a file, tensor or name that is not there
  kCorrupt,      ///< bytes that break the format they claim to be
  kUnsupported,  ///< well-formed, but nothing adder can do
  kTooLarge,     ///< does not fit: context, memory, a stated limit
  kIo,           ///< the operating system refused
  kCancelled,    ///< the user stopped it
  kNetwork,      ///< a server that is not reached, breaks off or fails: another time may go well
  kDenied,       ///< a server that knows what is wanted and does not give it to this user
};

/// An error from the outside world. The message says what, where, what was expected and what was found, in one line.
class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  /// The same error seen from further out: "models/a.gguf: tensor 'x': ...".
  Error in(std::string_view where) && { return {code_, fmt::format("{}: {}", where, message_)}; }

#define ADDER_ERROR_FACTORY(name, code)                                         \
  template <class... Args>                                                      \
  static Error name(fmt::format_string<Args...> format, Args&&... args) {       \
    return {ErrorCode::code, fmt::format(format, std::forward<Args>(args)...)}; \
  }
  ADDER_ERROR_FACTORY(usage, kUsage)
  ADDER_ERROR_FACTORY(not_found, kNotFound)
  ADDER_ERROR_FACTORY(corrupt, kCorrupt)
  ADDER_ERROR_FACTORY(unsupported, kUnsupported)
  ADDER_ERROR_FACTORY(too_large, kTooLarge)
  ADDER_ERROR_FACTORY(io, kIo)
  ADDER_ERROR_FACTORY(network, kNetwork)
  ADDER_ERROR_FACTORY(denied, kDenied)
  ADDER_ERROR_FACTORY(cancelled, kCancelled)
#undef ADDER_ERROR_FACTORY

 private:
  ErrorCode code_;
  std::string message_;
};

/// A value or an Error: std::expected (through tl::expected until C++23) that must not be ignored.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
};

using Status = Result<void>;

#define ADDER_CONCAT_(a, b) a##b
#define ADDER_CONCAT(a, b) ADDER_CONCAT_(a, b)

/// Evaluates a Result; on error returns it from the enclosing function.
#define TRY(...)                                                                            \
  do {                                                                                      \
    if (auto try_result = (__VA_ARGS__); !try_result) return std::move(try_result).error(); \
  } while (false)

/// TRY_ASSIGN(auto x, f()): x becomes the value of f(), or the error is returned.
#define TRY_ASSIGN(target, ...) TRY_ASSIGN_(ADDER_CONCAT(try_assign_, __LINE__), target, __VA_ARGS__)
#define TRY_ASSIGN_(result, target, ...)         \
  auto result = (__VA_ARGS__);                   \
  if (!result) return std::move(result).error(); \
  target = std::move(result).value()

}  // namespace adder
