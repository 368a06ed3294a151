#pragma once

#include <fmt/format.h>

#include <string_view>

namespace adder {

/// Prints where and why to stderr and aborts. For our own mistakes only: nothing a file, flag or request holds
/// may lead here.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view detail);

}  // namespace adder

/// Always on. CHECK(a == b, "a {} b {}", a, b)
#define CHECK(condition, ...)                                                               \
  do {                                                                                      \
    if (!(condition)) [[unlikely]]                                                          \
      ::adder::check_failed(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
  } while (false)

/// For hot paths: compiled out of release builds.
#ifdef NDEBUG
#define DCHECK(condition, ...) \
  do {                         \
  } while (false)
#else
#define DCHECK(condition, ...) CHECK(condition __VA_OPT__(, ) __VA_ARGS__)
#endif
