#include "core/base/exceptions.h"

namespace adder {
namespace {

/// Short enough that std::string keeps it inside itself.
constexpr const char* kWithoutMemory = "out of memory";

}  // namespace

Error out_of_memory(std::string_view what) noexcept {
  try {
    return Error::too_large("{}: out of memory", what);
  } catch (const std::bad_alloc&) {
    return {ErrorCode::kTooLarge, kWithoutMemory};
  }
}

Error refused_by_system(std::string_view what, const std::system_error& error) noexcept {
  try {
    return Error::io("{}: {}", what, error.what());
  } catch (const std::bad_alloc&) {
    return {ErrorCode::kTooLarge, kWithoutMemory};
  }
}

}  // namespace adder
