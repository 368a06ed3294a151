#pragma once

#include <cstddef>

namespace adder::testing {

/// Counts what operator new hands out while it lives, in every thread (allocation_meter_test.cc replaces the global
/// operators of this test program).
class AllocationMeter {
 public:
  AllocationMeter();
  size_t bytes() const;  ///< all together, freed or not: an upper bound of what was held at once
};

}  // namespace adder::testing
