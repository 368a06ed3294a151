#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace adder {

/// Ends a stream of text at the first stop text. Text that could still turn out to be the beginning of a stop text is
/// held back, so no part of one is ever given out. The stop text that is complete first ends the stream (of several,
/// the longest), so the result does not depend on how the text was cut into pieces.
class StopMatcher {
 public:
  /// Stop texts must not be empty.
  explicit StopMatcher(std::vector<std::string> stops);

  /// More text; returns what can be given out now. Nothing after `stopped`.
  std::string push(std::string_view text);
  /// The stream has ended by itself: what was held back.
  std::string finish();

  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace adder
