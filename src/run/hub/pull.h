#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "run/hub/options.h"
#include "run/hub/store.h"

namespace adder {

/// What a pull is doing. Told often; an error that the listener gives ends the pull.
struct PullProgress {
  enum class Stage {
    kWaiting,   ///< for another process that pulls the same
    kAsking,    ///< the Hub what there is
    kChecking,  ///< the digest of what is on disk
    kFetching,
    kRetrying,  ///< `reason` broke a transfer; it goes on after `wait`
  };
  Stage stage = Stage::kAsking;
  std::string_view file = {};
  uint64_t bytes_done = 0, bytes_total = 0;  ///< over all files
  uint64_t bytes_fetched = 0;                ///< of those done, over the network by this call
  std::string_view reason = {};
  std::chrono::milliseconds wait{0};
};
using OnPull = std::function<Status(const PullProgress&)>;

struct Pulled {
  StoredModel model;
  std::filesystem::path path;  ///< what to open
  uint64_t bytes_fetched = 0;
  bool asked_the_hub = true;  ///< false: offline, or a commit that is here
};

/// Makes the model of `reference` be here, whole, as the Hub has it now: asks what there is, chooses (see choose),
/// fetches what is missing, checks the digest of every file, and writes the model down. What is here already, in this
/// or another revision, is not fetched again. A commit that is here needs no network, nor does anything with
/// HubOptions::offline: then the model is given as it is, or kNotFound.
/// However it ends, every file under its final name is whole and right, and what has come of the others is kept.
Result<Pulled> pull(const HubReference& reference, const HubOptions& options, const OnPull& on_progress);

}  // namespace adder
