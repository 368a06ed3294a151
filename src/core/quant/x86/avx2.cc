// Compiled for AVX2 (src/CMakeLists.txt): a Lanes is one register.
#include "core/quant/search_lanes.h"

namespace adder::avx2 {

const Searches& searches() {
  static constexpr Searches kSearches = lane_searches("avx2");
  return kSearches;
}

}  // namespace adder::avx2
