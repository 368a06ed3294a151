#pragma once

#include <cstdint>

#include "core/base/threads.h"

namespace adder {

/// Bytes per second that the team reads from memory: the best of several passes over a buffer far larger than any
/// cache, every thread its own part. The roof over token generation, which reads all weights once a token.
/// Takes about a third of a second and `kBandwidthBufferBytes` of memory, given back.
double read_bandwidth(ThreadPool& pool);
inline constexpr int64_t kBandwidthBufferBytes = int64_t{256} << 20;

}  // namespace adder
