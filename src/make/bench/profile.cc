#include "make/bench/profile.h"

#include <algorithm>
#include <chrono>

#include "core/nest/nested_file.h"

namespace adder {
namespace {

/// One phase under the clocks.
template <class Phase>
Result<PhaseProfile> profile_phase(int threads, int64_t tokens, const Phase& run) {
  take_op_times();
  const auto start = std::chrono::steady_clock::now();
  TRY(run());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return PhaseProfile{took.count(), threads, tokens, take_op_times()};
}

}  // namespace

double PhaseProfile::between_seconds() const {
  double left = thread_seconds();
  for (const OpTime& op : ops) left -= op.seconds;
  return std::max(left, 0.0);
}

Profiler::Profiler(std::shared_ptr<const Model> model, const EngineOptions& options, OnTokens on_tokens)
    : model_(std::move(model)),
      pool_(options.threads),
      forward_(model_, pool_),
      workload_(forward_, model_->config(), options, std::move(on_tokens)) {}

Result<std::unique_ptr<Profiler>> Profiler::open(const std::filesystem::path& path, const EngineOptions& options,
                                                 OnTokens on_tokens) {
  TRY_ASSIGN(const Ops* const ops, select_ops());
  TRY_ASSIGN(ModelFile file, ModelFile::open(path));
  TRY_ASSIGN(BoundModel bound,
             bind_size(std::make_shared<const ModelFile>(std::move(file)), options.size, Join::kToRun));
  ThreadPool pool(options.threads);
  TRY_ASSIGN(std::shared_ptr<const Model> model, Model::from_bound(std::move(bound), pool, &timed_ops(*ops)));
  return std::unique_ptr<Profiler>(new Profiler(std::move(model), options, std::move(on_tokens)));
}

Result<Profile> Profiler::measure(const Case& c) {
  TRY(workload_.read_past(c));
  Profile profile;
  for (int run = 0; run < 2; ++run) {
    TRY(workload_.begin(c));
    TRY_ASSIGN(profile.prompt, profile_phase(c.threads, c.batch * c.prompt, [&] { return workload_.read_prompts(c); }));
    TRY_ASSIGN(profile.generate, profile_phase(c.threads, c.batch * c.generate, [&] { return workload_.generate(c); }));
  }
  return profile;
}

}  // namespace adder
