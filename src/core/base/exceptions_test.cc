#include "core/base/exceptions.h"

#include <gtest/gtest.h>

#include "core/base/testing/expect_error.h"

namespace adder {
namespace {

TEST(ExceptionsToErrors, GivesWhatTheFunctionGives) {
  EXPECT_EQ(exceptions_to_errors("ten", []() -> Result<int> { return 10; }).value(), 10);
  const auto refused = exceptions_to_errors("a file", []() -> Status { return Error::corrupt("byte {} is wrong", 3); });
  testing::expect_error(refused, ErrorCode::kCorrupt, "byte 3 is wrong");
}

TEST(ExceptionsToErrors, NamesWhatTheMemoryWasFor) {
  const auto refused = exceptions_to_errors("a lot", []() -> Status { throw std::bad_alloc(); });
  testing::expect_error(refused, ErrorCode::kTooLarge, "a lot: out of memory");
}

TEST(ExceptionsToErrors, NamesWhatTheSystemRefused) {
  const auto refused = exceptions_to_errors("a thread", []() -> Status {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  testing::expect_error(refused, ErrorCode::kIo, "a thread: ", "temporarily unavailable");
}

TEST(ExceptionsToErrors, LeavesOtherExceptionsAlone) {
  EXPECT_THROW(static_cast<void>(exceptions_to_errors("x", []() -> Status { throw 1; })), int);
}

}  // namespace
}  // namespace adder
