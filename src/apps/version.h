#pragma once

#include <string>

namespace adder {

/// What `adder --version` prints: version, build type, compiler, and the instruction sets this binary has, this
/// machine can run, and this process would use.
std::string version_text();

}  // namespace adder
