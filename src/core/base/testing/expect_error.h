#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace adder::testing {

/// The result is an error of this code, its message one line that holds every one of `parts`.
template <class T, class... Parts>
void expect_error(const Result<T>& result, ErrorCode code, const Parts&... parts) {
  ASSERT_FALSE(result.has_value()) << "expected an error";
  const std::string& message = result.error().message();
  EXPECT_EQ(result.error().code(), code) << message;
  for (const std::string_view part : std::initializer_list<std::string_view>{parts...})
    EXPECT_NE(message.find(part), message.npos) << "'" << part << "' is not in: " << message;
  EXPECT_EQ(message.find('\n'), message.npos) << message;
  EXPECT_LT(message.size(), 1000u) << "a message is for people";
}

}  // namespace adder::testing
