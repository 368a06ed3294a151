#pragma once

#include <cstdint>

namespace adder {

/// Bytes this process can still take: what the kernel calls available (free, and file pages it would give up), and no
/// more than the process's control groups allow. 0 where the system tells neither.
int64_t available_memory();

/// Memory this process has resident now, files it has mapped included, and the most it has had so far. 0 where the
/// system does not tell.
int64_t resident_bytes();
int64_t peak_resident_bytes();

}  // namespace adder
