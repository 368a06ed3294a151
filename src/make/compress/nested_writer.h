#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/arch/bind.h"
#include "core/nest/child.h"

namespace adder {

/// Writes a file of several sizes (core/nest/nested_file.h): those given, and the whole. The parent is a GGUF file in
/// nested order. `recipe` is the step of the receipt. One tensor is in memory at a time, as pages of its file.
///
/// Errors (kUsage): a parent that is none of that; no sizes, a name twice, empty or `full`; sizes of which none
/// contains the other; columns that would be cut inside blocks (tensor named). Those of writing.
Status write_nested_file(const BoundModel& parent, std::vector<NestedSize> sizes, const std::filesystem::path& output,
                         const std::string& recipe, const std::function<Status(double done)>& progress = {});

}  // namespace adder
