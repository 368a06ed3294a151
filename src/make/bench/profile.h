#pragma once

#include <filesystem>
#include <vector>

#include "make/bench/op_times.h"
#include "make/bench/workload.h"
#include "run/engine/engine.h"

namespace adder {

/// Where the time of one phase of a case went. What `ops` does not tell is time between ops: threads that wait for each
/// other, and what one thread does alone.
struct PhaseProfile {
  double seconds = 0;  ///< by the clock on the wall
  int threads = 1;
  int64_t tokens = 0;
  std::vector<OpTime> ops;  ///< longest first

  double thread_seconds() const { return seconds * threads; }
  double between_seconds() const;  ///< thread_seconds less those of all ops, at least 0
};

struct Profile {
  PhaseProfile prompt, generate;
};

/// Profiles cases on a model of its own, opened with a clock round every op: speeds are measured elsewhere, without it.
class Profiler {
 public:
  /// Threads and KV type of `options` count. Errors: those of the file.
  static Result<std::unique_ptr<Profiler>> open(const std::filesystem::path& path, const EngineOptions& options,
                                                OnTokens on_tokens);

  /// One run, after one that warms up and does not count.
  Result<Profile> measure(const Case& c);

 private:
  Profiler(std::shared_ptr<const Model> model, const EngineOptions& options, OnTokens on_tokens);

  std::shared_ptr<const Model> model_;
  ThreadPool pool_;
  Forward forward_;
  Workload workload_;
};

}  // namespace adder
