#include "apps/sampling_options.h"

namespace adder {

void add_sampling_options(CLI::App& command, SamplerOptions& options) {
  const std::string group = "Sampling";
  const auto add = [&](const std::string& names, auto& value, const std::string& help) {
    command.add_option(names, value, help)->capture_default_str()->group(group);
  };
  add("--temp,--temperature", options.temperature, "0 always takes the likeliest token");
  add("--top-k", options.top_k, "choose among the k likeliest; 0: all");
  add("--top-p", options.top_p, "choose among the likeliest that hold this much probability; 1: all");
  add("--min-p", options.min_p, "drop tokens less likely than this share of the likeliest; 0: none");
  add("--repetition-penalty", options.repetition_penalty, "divides the logits of tokens seen; 1: off");
  add("--presence-penalty", options.presence_penalty, "taken once from tokens seen; 0: off");
  add("--frequency-penalty", options.frequency_penalty, "taken per occurrence; 0: off");
  add("--penalty-last-n", options.penalty_last_n, "tokens the penalties look back at; -1: all, 0: none");
  add("--seed", options.seed, "the same seed, model and prompt give the same text");
}

}  // namespace adder
