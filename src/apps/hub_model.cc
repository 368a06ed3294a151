#include "apps/hub_model.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "apps/interrupt.h"
#include "apps/progress.h"
#include "core/base/byte_size.h"

namespace adder {
namespace {

using Clock = std::chrono::steady_clock;
using Stage = PullProgress::Stage;

/// Bytes a second over the last moments, from totals that are told now and then.
class Rate {
 public:
  double operator()(uint64_t bytes) {
    const auto now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - since_).count();
    if (seconds >= kMoment) {
      const double latest = static_cast<double>(bytes - at_) / seconds;
      rate_ = rate_ == 0 ? latest : 0.7 * rate_ + 0.3 * latest;
      since_ = now;
      at_ = bytes;
    }
    return rate_;
  }

 private:
  static constexpr double kMoment = 0.5;
  Clock::time_point since_ = Clock::now();
  uint64_t at_ = 0;
  double rate_ = 0;
};

/// "1200.0 MB of 2500.0 MB, 45.0 MB/s, 29 s left"
std::string note_of(const PullProgress& at, double rate) {
  const auto text = [](uint64_t bytes) { return byte_size_text(static_cast<int64_t>(bytes)); };
  std::string note = fmt::format("{} of {}", text(at.bytes_done), text(at.bytes_total));
  if (at.stage == Stage::kChecking) return note + ", checking";
  if (rate < 1) return note;
  const double left = static_cast<double>(at.bytes_total - at.bytes_done) / rate;
  return note + fmt::format(", {}/s, {:.0f} s left", text(static_cast<uint64_t>(rate)), left);
}

/// What a person sees of a pull.
class Watcher {
 public:
  void see(const PullProgress& at) {
    const bool is_new = at.stage != stage_;
    stage_ = at.stage;
    const double rate = rate_(at.bytes_fetched);
    if (at.stage == Stage::kWaiting) {
      // A free lock is no news.
      if (is_new) waiting_since_ = Clock::now();
      if (!has_said_ && Clock::now() - waiting_since_ > std::chrono::seconds(1)) {
        has_said_ = true;
        say("waiting for another adder that pulls the same");
      }
    } else if (at.stage == Stage::kRetrying) {
      say(fmt::format("{}; trying again in {:.0f} s", at.reason, std::chrono::duration<double>(at.wait).count()));
    } else if (at.bytes_total > 0) {
      if (!bar_) bar_ = std::make_unique<Progress>("pulling");
      bar_->update(static_cast<double>(at.bytes_done) / static_cast<double>(at.bytes_total), note_of(at, rate));
    }
  }

 private:
  void say(const std::string& line) {
    bar_.reset();
    fmt::print(stderr, "{}\n", line);
  }

  std::unique_ptr<Progress> bar_;
  Rate rate_;
  Stage stage_ = Stage::kAsking;
  Clock::time_point waiting_since_;
  bool has_said_ = false;
};

}  // namespace

Result<HubOptions> hub_options_here() {
  TRY_ASSIGN(HubOptions options, hub_options([](const char* name) -> const char* { return std::getenv(name); }));
  options.user_agent = "adder/" ADDER_VERSION;
  return options;
}

Result<Pulled> pull_watched(const HubReference& reference, const HubOptions& options, const OnPull& also) {
  Watcher watcher;
  return pull(reference, options, [&](const PullProgress& at) -> Status {
    if (interrupted()) return Error::cancelled("interrupted; what has come is kept, the next pull goes on from there");
    watcher.see(at);
    return also ? also(at) : Status();
  });
}

Result<std::filesystem::path> hub_model_path(const std::string& text) {
  TRY_ASSIGN(const HubReference reference, parse_reference(text));
  TRY_ASSIGN(const HubOptions options, hub_options_here());
  const ModelStore store(options.cache);
  TRY_ASSIGN(const std::optional<StoredModel> here, store.find(reference));
  if (here) return store.path_of(*here);
  fmt::print(stderr, "{}: no such file, and not pulled yet; asking {}\n", text, options.endpoint);
  TRY_ASSIGN(const Pulled pulled, pull_watched(reference, options));
  return pulled.path;
}

}  // namespace adder
