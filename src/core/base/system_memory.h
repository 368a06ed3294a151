#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace adder {

/// Memory straight from the system, zero, in huge pages where it has them. Null where there is none left.
std::shared_ptr<std::byte> system_memory(size_t bytes);

/// Gives back the whole pages of a part of it: they are zero when they are read again.
void give_back(std::span<const std::byte> part);

}  // namespace adder
