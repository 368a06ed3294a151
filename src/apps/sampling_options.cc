#include "apps/sampling_options.h"

#include "core/chat/chat_format.h"

namespace adder {
namespace {

/// True if it said anything.
bool apply(const SamplingAdvice& advice, SamplerOptions& options) {
  bool any = false;
  const auto set = [&any](auto& target, const auto& value) {
    if (!value) return;
    target = *value;
    any = true;
  };
  set(options.temperature, advice.temperature);
  set(options.top_k, advice.top_k);
  set(options.top_p, advice.top_p);
  set(options.min_p, advice.min_p);
  set(options.repetition_penalty, advice.repetition_penalty);
  set(options.penalty_last_n, advice.penalty_last_n);
  return any;
}

SamplerOptions with_flags(SamplerOptions options, const SamplingFlags& flags) {
  apply(flags.given, options);
  options.presence_penalty = flags.presence_penalty;
  options.frequency_penalty = flags.frequency_penalty;
  options.seed = flags.seed;
  return options;
}

}  // namespace

void add_sampling_options(CLI::App& command, SamplingFlags& flags) {
  const std::string group = "Sampling";
  const SamplerOptions usual;
  const auto add_advised = [&](const std::string& names, auto& value, const auto& otherwise, const std::string& help) {
    command.add_option(names, value, fmt::format("{} (default: a chat model's own, or {})", help, otherwise))
        ->group(group);
  };
  const auto add = [&](const std::string& names, auto& value, const std::string& help) {
    command.add_option(names, value, help)->capture_default_str()->group(group);
  };
  SamplingAdvice& given = flags.given;
  add_advised("--temp,--temperature", given.temperature, usual.temperature, "0 always takes the likeliest token");
  add_advised("--top-k", given.top_k, usual.top_k, "choose among the k likeliest; 0: all");
  add_advised("--top-p", given.top_p, usual.top_p,
              "choose among the likeliest that hold this much probability; 1: all");
  add_advised("--min-p", given.min_p, usual.min_p, "drop tokens less likely than this share of the likeliest; 0: none");
  add_advised("--repetition-penalty", given.repetition_penalty, usual.repetition_penalty,
              "divides the logits of tokens seen; 1: off");
  add("--presence-penalty", flags.presence_penalty, "taken once from tokens seen; 0: off");
  add("--frequency-penalty", flags.frequency_penalty, "taken per occurrence; 0: off");
  add_advised("--penalty-last-n", given.penalty_last_n, usual.penalty_last_n,
              "tokens the penalties look back at; -1: all, 0: none");
  add("--seed", flags.seed, "the same seed, model and prompt give the same text");
}

Status validate(const SamplingFlags& flags) {
  return validate(with_flags({}, flags));
}

Result<Sampling> sampling_for(const SamplingFlags& flags, const ModelFile& file) {
  Sampling sampling;
  if (has_chat_template(file)) {
    auto advice = sampling_advice(file);
    if (!advice) return std::move(advice).error().in(file.path());
    sampling.advised = apply(*advice, sampling.options);
    if (const Status sound = validate(sampling.options); !sound)
      return Error::corrupt("{}: its advice on sampling: {}", file.path(), sound.error().message());
  }
  sampling.options = with_flags(sampling.options, flags);
  return sampling;
}

std::string sampling_text(const Sampling& sampling) {
  const SamplerOptions& o = sampling.options;
  if (o.temperature == 0) return "the likeliest token";
  std::string text =
      fmt::format("temperature {}, top-k {}, top-p {}, min-p {}", o.temperature, o.top_k, o.top_p, o.min_p);
  if (o.repetition_penalty != 1) text += fmt::format(", repetition penalty {}", o.repetition_penalty);
  return text + (sampling.advised ? ", as the model's file advises where no flag says" : "");
}

}  // namespace adder
