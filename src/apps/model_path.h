#pragma once

#include <filesystem>
#include <string>

#include "core/base/result.h"

namespace adder {

/// The model a command works on: the file or directory `given`; else, when it has the form ORG/NAME[@REVISION][:TYPE],
/// the pulled model of that name, pulled now when it is not here yet; the built-in one when nothing was given. The
/// built-in model is, whichever is there first: what ADDER_MODEL names (then it must exist),
/// ../share/adder/models/seedling.gguf seen from the program, models/seedling.gguf of the source tree the program was
/// built from. The working directory plays no part.
Result<std::filesystem::path> model_path(const std::string& given);

/// The same, with the places spelled out.
Result<std::filesystem::path> find_builtin_model(const char* from_environment, const std::filesystem::path& program,
                                                 const std::filesystem::path& source_dir);

}  // namespace adder
