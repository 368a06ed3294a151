#pragma once

#include <filesystem>
#include <string>

#include "run/hub/pull.h"

namespace adder {

/// Where and how to reach the Hub, as the environment says.
Result<HubOptions> hub_options_here();

/// pull() with a bar over all files for a person who watches standard error, and a line there for what a person should
/// know: waiting for another process, a transfer that broke. Ctrl-C ends it, and what has come is kept. `also` sees
/// every step too.
Result<Pulled> pull_watched(const HubReference& reference, const HubOptions& options, const OnPull& also = {});

/// What to open for a MODEL that is a reference: the copy that is here, or else what a pull brings.
Result<std::filesystem::path> hub_model_path(const std::string& reference);

}  // namespace adder
