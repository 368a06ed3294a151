#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "core/formats/model_file.h"

namespace adder {

/// How the makers of a model advise to draw its tokens; what is absent they leave open. Ranges are the sampler's
/// affair.
struct SamplingAdvice {
  std::optional<float> temperature;         ///< 0: always the likeliest token
  std::optional<float> top_p, min_p;        ///< 1 and 0: off
  std::optional<float> repetition_penalty;  ///< 1: off
  std::optional<int> top_k;                 ///< 0: off
  std::optional<int> penalty_last_n;        ///< window of the penalty; -1: everything
  bool operator==(const SamplingAdvice&) const = default;
};

/// What the file says:
///   a directory   generation_config.json: temperature, top_p, min_p, repetition_penalty, top_k as transformers reads
///                 them: "do_sample": false is temperature 0, a penalty looks at everything, null is absent. A top_k of
///                 -1, as vLLM has it, is 0
///   GGUF          general.sampling.temp, .top_p, .min_p, .penalty_repeat, .top_k, .penalty_last_n, as llama.cpp does
/// kCorrupt, with the key, for what is no number of its kind.
Result<SamplingAdvice> sampling_advice(const ModelFile& file);
Result<SamplingAdvice> sampling_advice(const Gguf& file);

/// The keys that say so in GGUF, and the members of generation_config.json, which has none for the window.
std::vector<GgufEntry> gguf_entries(const SamplingAdvice& advice);
nlohmann::json to_generation_config_json(const SamplingAdvice& advice);

}  // namespace adder
