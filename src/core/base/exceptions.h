#pragma once

#include <new>
#include <string_view>
#include <system_error>
#include <type_traits>

#include "core/base/result.h"

namespace adder {

/// "`what`: out of memory" as kTooLarge, "`what`: <reason>" as kIo. Without memory even for that the message is
/// shorter.
Error out_of_memory(std::string_view what) noexcept;
Error refused_by_system(std::string_view what, const std::system_error& error) noexcept;

/// f(), which gives a Result. What the standard library throws when there is no more memory, or the system does not
/// start a thread, becomes its error. This stands at the few functions that callers see from outside; inside, memory is
/// taken as if it were there, and whatever must stay as it was on failure is changed last.
template <class F>
std::invoke_result_t<F> exceptions_to_errors(std::string_view what, F&& f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return out_of_memory(what);
  } catch (const std::system_error& error) {
    return refused_by_system(what, error);
  }
}

}  // namespace adder
