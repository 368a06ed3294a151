#include "run/generate/stop.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace adder {

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  for (const std::string& stop : stops_) CHECK(!stop.empty());
}

std::string StopMatcher::push(std::string_view text) {
  if (stopped_) return {};
  // What was held back ends in no stop text, so only ends within the new text matter.
  const size_t seen = held_.size();
  held_ += text;
  for (size_t end = seen + 1; end <= held_.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops_)
      if (std::string_view(held_).substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    if (longest > 0) {
      stopped_ = true;
      return held_.substr(0, end - longest);
    }
  }
  size_t hold = 0;
  for (const std::string& stop : stops_) {
    size_t n = std::min(stop.size() - 1, held_.size());
    while (n > hold && !held_.ends_with(std::string_view(stop).substr(0, n))) --n;
    hold = std::max(hold, n);
  }
  std::string out = held_.substr(0, held_.size() - hold);
  held_.erase(0, held_.size() - hold);
  return out;
}

std::string StopMatcher::finish() {
  if (stopped_) return {};
  return std::exchange(held_, {});
}

}  // namespace adder
