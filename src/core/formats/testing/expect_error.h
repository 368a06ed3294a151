#pragma once

#include <gmock/gmock.h>

#include <string_view>

#include "core/base/result.h"

namespace adder::testing {

/// The result is an error of this code, its message one line that holds every one of `parts`.
template <class T, class... Parts>
void expect_error(const Result<T>& result, ErrorCode code, Parts... parts) {
  ASSERT_FALSE(result.has_value()) << "expected an error";
  const std::string& message = result.error().message();
  EXPECT_EQ(result.error().code(), code) << message;
  (EXPECT_THAT(message, ::testing::HasSubstr(std::string(parts))), ...);
  EXPECT_THAT(message, ::testing::Not(::testing::HasSubstr("\n")));
  EXPECT_LT(message.size(), 1000u) << "a message is for people";
}

}  // namespace adder::testing
