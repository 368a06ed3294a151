#include "make/train/loop/run.h"

#include <algorithm>
#include <chrono>

#include "core/base/threads.h"
#include "make/train/loop/report.h"

namespace adder {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr int64_t kStepsPerLine = 10;

std::string clock_text(double seconds) {
  const auto s = static_cast<int64_t>(seconds);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

/// The step after which a recipe is done, 0 if it has no end.
int64_t end_of(const Trainer& trainer) {
  const Decay& decay = trainer.decay();
  return decay.steps > 0 ? decay.start + decay.steps : trainer.recipe().total_steps;
}

/// Limits, lines and files around Trainer::step.
class Run {
 public:
  Run(Trainer& trainer, const RunOptions& options, const Judge& judge)
      : trainer_(trainer),
        options_(options),
        judge_(judge),
        metrics_(options.work / "metrics.jsonl"),
        threads_(options.threads > 0 ? options.threads : available_threads()),
        team_(trainer.team()) {}

  Status until(const std::atomic<bool>& stop) {
    if (const int64_t lanes = trainer_.recipe().lanes; lanes % team_.size() != 0)
      return Error::usage("{} processes for train.lanes = {}, expected each to get as many", team_.size(), lanes);
    TRY(introduce());
    TRY(judge_if_asked());
    Clock::time_point saved = Clock::now();
    begin_line();
    while (!agreed(stop || finished())) {
      TRY_ASSIGN(const StepReport report, trainer_.step(threads_));
      sums_.add(report.sums);
      ++steps_;
      if (report.step % kStepsPerLine == 0 || finished()) TRY(say(report));
      TRY(judge_if_asked());
      if (agreed(seconds_since(saved) > 60 * options_.checkpoint_minutes)) {
        TRY(checkpoint());
        saved = Clock::now();
        begin_line();
      }
    }
    return checkpoint();
  }

 private:
  /// Whether any process of the team says so: clocks and signals are not the same everywhere.
  bool agreed(bool mine) const { return team_.least(mine ? 0 : 1) == 0; }
  int64_t last_step() const { return options_.steps > 0 ? options_.steps : end_of(trainer_); }
  bool finished() const {
    if (options_.minutes > 0 && seconds_since(start_) > 60 * options_.minutes) return true;
    return last_step() > 0 && trainer_.steps_done() >= last_step();
  }
  int64_t tokens_per_step() const { return trainer_.recipe().batch * trainer_.recipe().seq_len; }
  /// Tokens in the order of samples when so many steps are done.
  int64_t tokens_at(int64_t step) const {
    return trainer_.recipe().first_sample * trainer_.recipe().seq_len + step * tokens_per_step();
  }

  Status introduce() const {
    if (!team_.leads()) return {};
    std::vector<int64_t> judged_at;
    for (const int64_t step : trainer_.recipe().judge_at) judged_at.push_back(tokens_at(step));
    const int64_t end = end_of(trainer_);
    return metrics_.append({{"kind", "run"},
                            {"step", trainer_.steps_done()},
                            {"name", trainer_.recipe().name},
                            {"seed", trainer_.recipe().seed},
                            {"first_token", tokens_at(0)},
                            {"end", end > 0 ? tokens_at(end) : 0},
                            {"judged_at", judged_at}});
  }

  Status judge_if_asked() {
    if (std::ranges::count(trainer_.recipe().judge_at, trainer_.steps_done()) == 0) return {};
    return judge();
  }

  /// At most once a step. The line that is being gathered is not to blame for the time.
  Status judge() {
    if (judged_ == trainer_.steps_done() || !team_.leads()) return {};
    const Clock::time_point begin = Clock::now();
    TRY(judge_(metrics_, threads_));
    judged_ = trainer_.steps_done();
    line_ += Clock::now() - begin;
    return {};
  }

  /// Seconds left by whichever limit comes first; negative if there is none.
  double time_left(double tokens_per_s) const {
    double left = -1;
    if (options_.minutes > 0) left = 60 * options_.minutes - seconds_since(start_);
    if (last_step() > 0) {
      const int64_t tokens = (last_step() - trainer_.steps_done()) * tokens_per_step();
      const double by_steps = static_cast<double>(tokens) / tokens_per_s;
      left = left < 0 ? by_steps : std::min(left, by_steps);
    }
    return left;
  }

  void begin_line() {
    line_ = Clock::now();
    sums_ = {};
    steps_ = 0;
  }

  Status say(const StepReport& report) {
    if (!team_.leads()) return {};
    const double tokens_per_s = static_cast<double>(steps_ * tokens_per_step()) / seconds_since(line_);
    const double loss = sums_.mean(sums_.total), kl = sums_.mean(sums_.kl), left = time_left(tokens_per_s);
    const std::string remark = trainer_.objective().remark(trainer_.weights(), trainer_.steps_done());
    fmt::print(stderr, "step {:6}  {:6.2f} M tokens  loss {:.4f}{}  |g| {:.2f}  rate {:.3f}  {:.0f} tokens/s{}{}\n",
               report.step, 1e-6 * static_cast<double>(trainer_.tokens_reached()), loss,
               kl > 0 ? fmt::format("  KL {:.4f}", kl) : "", report.grad_norm, report.rate_scale, tokens_per_s,
               remark.empty() ? "" : "  " + remark, left < 0 ? "" : "  " + clock_text(left) + " left");
    nlohmann::json entry = {{"kind", "step"},
                            {"step", report.step},
                            {"tokens", trainer_.tokens_reached()},
                            {"loss", loss},
                            {"grad_norm", report.grad_norm},
                            {"rate_scale", report.rate_scale},
                            {"tokens_per_s", tokens_per_s}};
    if (kl > 0) entry["kl"] = kl;
    if (!remark.empty()) entry["remark"] = remark;
    begin_line();
    return metrics_.append(entry);
  }

  Status checkpoint() {
    TRY(trainer_.save(options_.work / "last.ckpt"));
    TRY(judge());
    if (!team_.leads()) return {};
    return write_report(options_.work / "metrics.jsonl", options_.work / "report.html", trainer_.recipe().name);
  }

  Trainer& trainer_;
  const RunOptions& options_;
  const Judge& judge_;
  Metrics metrics_;
  int threads_;
  const Team& team_;
  Clock::time_point start_ = Clock::now(), line_ = start_;
  LossSums sums_;  // of the steps since the last line
  int64_t steps_ = 0;
  int64_t judged_ = -1;  // the last step that was
};

}  // namespace

Status run(Trainer& trainer, const RunOptions& options, const Judge& judge, const std::atomic<bool>& stop) {
  return Run(trainer, options, judge).until(stop);
}

bool is_complete(const Trainer& trainer) {
  return end_of(trainer) > 0 && trainer.steps_done() >= end_of(trainer);
}

}  // namespace adder
