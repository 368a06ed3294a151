#pragma once

/// ADDER_ASAN and ADDER_TSAN: whether a program is built with that sanitizer (1 or 0). GCC has macros for it, Clang 14
/// has features.
#if defined(__has_feature)
#define ADDER_ASAN __has_feature(address_sanitizer)
#define ADDER_TSAN __has_feature(thread_sanitizer)
#else
#ifdef __SANITIZE_ADDRESS__
#define ADDER_ASAN 1
#else
#define ADDER_ASAN 0
#endif
#ifdef __SANITIZE_THREAD__
#define ADDER_TSAN 1
#else
#define ADDER_TSAN 0
#endif
#endif
