#include "make/train/loop/held_out.h"

#include <algorithm>
#include <numbers>

#include "core/arch/budget.h"

namespace adder {

HeldOutLoss held_out_loss(const Trainer& trainer, const Objective& objective, const HeldOutText& text, int64_t windows,
                          int threads) {
  const int64_t length = trainer.recipe().seq_len, all = consecutive_count(*text.stream, length);
  const int64_t count = windows == 0 ? all : std::min(all, windows);
  LossSums total;
  constexpr int64_t kAtOnce = 16;
  for (int64_t first = 0; first < count; first += kAtOnce) {
    WindowBatch batch{.length = length};
    for (int64_t i = first; i < std::min(first + kAtOnce, count); ++i) {
      append_consecutive_window(*text.stream, text.bos, i * all / count, batch);
    }
    total.add(trainer.evaluate(objective, batch, threads));
  }
  // A sample has its own tokens per byte; taking that of the whole keeps the estimate unbiased enough.
  const double per_token = total.mean(total.nats);
  const double tokens_per_byte = static_cast<double>(text.stream->size()) / static_cast<double>(text.bytes);
  return {.nats_per_token = per_token,
          .bits_per_byte = per_token * tokens_per_byte / std::numbers::ln2,
          .kl_per_token = total.mean(total.kl),
          .agreement = total.mean(static_cast<double>(total.agreed)),
          .accuracy = total.mean(static_cast<double>(total.correct)),
          .tokens = total.targets,
          .parameters = parameter_count(trainer.params().config())};
}

Status tell(const Metrics& metrics, const Trainer& trainer, const HeldOutLoss& loss, const std::string& whose,
            const std::string& kind) {
  const bool has_teacher = loss.kl_per_token != 0 || loss.agreement > 0;
  fmt::print(
      stderr, "step {:6}  {}held-out books: loss {:.4f}, {:.4f} bits per byte, {:.1f} % right{}\n",
      trainer.steps_done(), whose.empty() ? "" : whose + ", ", loss.nats_per_token, loss.bits_per_byte,
      100 * loss.accuracy,
      has_teacher ? fmt::format(", KL {:.4f}, {:.1f} % agreement", loss.kl_per_token, 100 * loss.agreement) : "");
  nlohmann::json entry = {{"kind", kind},
                          {"step", trainer.steps_done()},
                          {"tokens", trainer.tokens_reached()},
                          {"loss", loss.nats_per_token},
                          {"bits_per_byte", loss.bits_per_byte},
                          {"accuracy", loss.accuracy},
                          {"parameters", loss.parameters}};
  if (has_teacher) entry.update({{"kl", loss.kl_per_token}, {"agreement", loss.agreement}});
  return metrics.append(entry);
}

}  // namespace adder
