#include "core/quant/search_lanes.h"

namespace adder::portable {

const Searches& searches() {
  static constexpr Searches kSearches = lane_searches("portable");
  return kSearches;
}

}  // namespace adder::portable
