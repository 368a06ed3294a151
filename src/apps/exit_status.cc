#include "apps/exit_status.h"

namespace adder {

int exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kIo:
      return 1;
    case ErrorCode::kUsage:
      return 2;
    case ErrorCode::kNotFound:
      return 3;
    case ErrorCode::kCorrupt:
      return 4;
    case ErrorCode::kUnsupported:
      return 5;
    case ErrorCode::kTooLarge:
      return 6;
    case ErrorCode::kNetwork:
      return 7;
    case ErrorCode::kDenied:
      return 8;
    case ErrorCode::kCancelled:
      return 130;
  }
  return 1;
}

}  // namespace adder
