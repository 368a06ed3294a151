#include "make/train/loop/pretrain.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "core/base/threads.h"
#include "make/train/loop/metrics.h"
#include "make/train/loop/report.h"

namespace adder {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr int64_t kStepsPerLine = 10;
constexpr int64_t kSampledWindows = 48;  // of the held-out books, when a checkpoint is written

std::string clock_text(double seconds) {
  const auto s = static_cast<int64_t>(seconds);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

/// One call of pretrain: limits, lines and files around Trainer::step.
class Run {
 public:
  Run(Workshop& shop, const PretrainOptions& options)
      : shop_(shop),
        options_(options),
        metrics_(options.work / "metrics.jsonl"),
        threads_(options.threads > 0 ? options.threads : available_threads()) {}

  Status until(const std::atomic<bool>& stop) {
    Trainer& trainer = shop_.trainer;
    Clock::time_point line = Clock::now(), saved = Clock::now();
    double loss_sum = 0;
    int64_t steps = 0;
    while (!stop && !finished()) {
      TRY_ASSIGN(const StepReport report, trainer.step(threads_));
      loss_sum += report.loss;
      ++steps;
      if (report.step % kStepsPerLine == 0 || finished()) {
        const double rate =
            static_cast<double>(steps * shop_.recipe.batch * shop_.recipe.seq_len) / seconds_since(line);
        TRY(say(report, loss_sum / static_cast<double>(steps), rate));
        line = Clock::now();
        loss_sum = 0;
        steps = 0;
      }
      if (seconds_since(saved) > 60 * options_.checkpoint_minutes) {
        TRY(checkpoint());
        saved = line = Clock::now();
        loss_sum = 0;
        steps = 0;
      }
    }
    return checkpoint();
  }

 private:
  /// The step after which to stop, 0 if none is set.
  int64_t last_step() const {
    if (options_.steps > 0) return options_.steps;
    const Decay& decay = shop_.trainer.decay();
    if (decay.steps > 0) return decay.start + decay.steps;
    return shop_.recipe.total_steps;
  }
  bool finished() const {
    if (options_.minutes > 0 && seconds_since(start_) > 60 * options_.minutes) return true;
    return last_step() > 0 && shop_.trainer.steps_done() >= last_step();
  }

  /// Seconds left by whichever limit comes first; negative if there is none.
  double time_left(double tokens_per_s) const {
    double left = -1;
    if (options_.minutes > 0) left = 60 * options_.minutes - seconds_since(start_);
    if (last_step() > 0) {
      const int64_t tokens = (last_step() - shop_.trainer.steps_done()) * shop_.recipe.batch * shop_.recipe.seq_len;
      const double by_steps = static_cast<double>(tokens) / tokens_per_s;
      left = left < 0 ? by_steps : std::min(left, by_steps);
    }
    return left;
  }

  Status say(const StepReport& report, double loss, double tokens_per_s) const {
    const double left = time_left(tokens_per_s);
    fmt::print(stderr, "step {:6}  {:6.2f} M tokens  loss {:.4f}  |g| {:.2f}  rate {:.3f}  {:.0f} tokens/s{}\n",
               report.step, 1e-6 * static_cast<double>(shop_.trainer.tokens_seen()), loss, report.grad_norm,
               report.rate_scale, tokens_per_s, left < 0 ? "" : "  " + clock_text(left) + " left");
    return metrics_.append({{"kind", "step"},
                            {"step", report.step},
                            {"tokens", shop_.trainer.tokens_seen()},
                            {"loss", loss},
                            {"grad_norm", report.grad_norm},
                            {"rate_scale", report.rate_scale},
                            {"tokens_per_s", tokens_per_s}});
  }

  Status checkpoint() const {
    TRY(shop_.trainer.save(options_.work / "last.ckpt"));
    const HeldOutLoss loss = held_out_loss(shop_, kSampledWindows, threads_);
    fmt::print(stderr, "step {:6}  saved; held-out books (sample): loss {:.4f}, {:.4f} bits per byte\n",
               shop_.trainer.steps_done(), loss.nats_per_token, loss.bits_per_byte);
    TRY(metrics_.append({{"kind", "held_out"},
                         {"step", shop_.trainer.steps_done()},
                         {"tokens", shop_.trainer.tokens_seen()},
                         {"loss", loss.nats_per_token},
                         {"bits_per_byte", loss.bits_per_byte}}));
    return write_report(options_.work / "metrics.jsonl", options_.work / "report.html", shop_.recipe.name);
  }

  Workshop& shop_;
  const PretrainOptions& options_;
  Metrics metrics_;
  int threads_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

Result<Workshop> Workshop::open(const std::filesystem::path& recipe_path, const std::filesystem::path& data,
                                const std::filesystem::path& work) {
  TRY_ASSIGN(Recipe recipe, read_recipe(recipe_path));
  TRY_ASSIGN(ModelConfig config, model_config(recipe));
  TRY_ASSIGN(std::vector<Book> books, read_corpus(data, recipe.held_out));
  std::error_code failure;
  std::filesystem::create_directories(work, failure);
  if (failure) return Error::io("{}: cannot create the directory ({})", work.string(), failure.message());
  TRY_ASSIGN(Tokenizer tokenizer, tokenizer_for(books, recipe.vocab_size, work));
  TRY_ASSIGN(Streams streams, tokenize_corpus(books, tokenizer, work / "tokens.cache"));
  if (std::ssize(streams.train) < 2 * recipe.seq_len) {
    return Error::usage("{}: {} tokens to train on, two windows take {}", data.string(), streams.train.size(),
                        2 * recipe.seq_len);
  }
  use_one_thread_per_caller();
  const torch::Device device = torch::hasCUDA() ? torch::kCUDA : torch::kCPU;
  const PrecisionProbe probe =
      probe_precision(device, recipe.micro_batch * recipe.seq_len, recipe.hidden_size, recipe.intermediate_size);
  fmt::print(stderr, "linear maps on one core of {}: f32 {:.0f} GFLOP/s, bf16 {:.0f} GFLOP/s; taking {}\n",
             device.str(), probe.f32_gflops, probe.bf16_gflops, probe.best == Precision::kF32 ? "f32" : "bf16");
  Windows windows(streams.train, tokenizer.data().bos, recipe.seq_len, recipe.seed);
  Trainer trainer(recipe, config, std::move(windows), device, probe.best);
  return Workshop{std::move(recipe),    std::move(config),  std::move(books),
                  std::move(tokenizer), std::move(streams), std::move(trainer)};
}

HeldOutLoss held_out_loss(const Workshop& shop, int64_t windows, int threads) {
  const std::vector<TokenId>& stream = shop.streams.held_out;
  const int64_t length = shop.recipe.seq_len, all = consecutive_count(stream, length);
  const int64_t count = windows == 0 ? all : std::min(all, windows);
  Trainer::Loss total;
  constexpr int64_t kAtOnce = 16;
  for (int64_t first = 0; first < count; first += kAtOnce) {
    WindowBatch batch{.length = length};
    for (int64_t i = first; i < std::min(first + kAtOnce, count); ++i) {
      append_consecutive_window(stream, shop.tokenizer.data().bos, i * all / count, batch);
    }
    const Trainer::Loss loss = shop.trainer.evaluate(batch, threads);
    total.nats += loss.nats;
    total.targets += loss.targets;
  }
  // A sample has its own tokens per byte; taking that of the whole keeps the estimate unbiased enough.
  const double per_token = total.nats / static_cast<double>(total.targets);
  const double tokens_per_byte = static_cast<double>(stream.size()) / static_cast<double>(shop.streams.held_out_bytes);
  return {per_token, per_token * tokens_per_byte / std::numbers::ln2, total.targets};
}

Status pretrain(const PretrainOptions& options, const std::atomic<bool>& stop) {
  TRY_ASSIGN(Workshop shop, Workshop::open(options.recipe, options.data, options.work));
  Trainer& trainer = shop.trainer;
  const std::filesystem::path last = options.work / "last.ckpt";
  const bool resumes = std::filesystem::exists(last);
  if (resumes) {
    TRY(trainer.load(last));
  } else if (!options.from.empty()) {
    TRY(trainer.load(options.from));
  } else {
    trainer.initialise();
  }
  if (options.decay_steps > 0 && trainer.decay().steps == 0) {
    trainer.decay() = {.start = trainer.steps_done(), .steps = options.decay_steps};
  }
  int64_t parameters = 0;
  for (const torch::Tensor& value : trainer.params().values()) parameters += value.numel();
  fmt::print(stderr, "{}: {} parameters, {} tokens to train on, {} held out; {} at step {}\n", shop.recipe.name,
             parameters, shop.streams.train.size(), shop.streams.held_out.size(), resumes ? "resuming" : "starting",
             trainer.steps_done());
  return Run(shop, options).until(stop);
}

}  // namespace adder
