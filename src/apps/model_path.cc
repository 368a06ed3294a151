#include "apps/model_path.h"

#include <cstdlib>

#include "apps/hub_model.h"
#include "run/hub/reference.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBuiltIn = "seedling.gguf";

}  // namespace

Result<fs::path> find_builtin_model(const char* from_environment, const fs::path& program, const fs::path& source_dir) {
  std::error_code ignored;
  if (from_environment != nullptr && *from_environment != '\0') {
    if (fs::exists(from_environment, ignored)) return fs::path(from_environment);
    return Error::not_found("ADDER_MODEL names '{}', which is not there", from_environment);
  }
  const fs::path installed = program.parent_path().parent_path() / "share/adder/models" / kBuiltIn;
  const fs::path in_source = source_dir / "models" / kBuiltIn;
  for (const fs::path& place : {installed, in_source}) {
    if (fs::exists(place, ignored)) return place;
  }
  return Error::not_found(
      "no MODEL was named and the built-in one is in neither {} nor {}; name a model, or make one with random weights: "
      "adder synth --preset tiny tiny.gguf",
      installed.string(), in_source.string());
}

Result<fs::path> model_path(const std::string& given) {
  std::error_code ignored;
  if (!given.empty()) {
    if (fs::exists(given, ignored) || !looks_like_reference(given)) return fs::path(given);
    return hub_model_path(given);
  }
  return find_builtin_model(std::getenv("ADDER_MODEL"), fs::read_symlink("/proc/self/exe", ignored), ADDER_SOURCE_DIR);
}

}  // namespace adder
