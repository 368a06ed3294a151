#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/formats/sampling_advice.h"
#include "run/generate/sampler.h"

namespace adder {

/// What the command line says about sampling. What it leaves open is as a conversational model's own file advises, else
/// as SamplerOptions has it.
struct SamplingFlags {
  SamplingAdvice given;
  float presence_penalty = 0, frequency_penalty = 0;
  uint64_t seed = 0;
};

/// --temp, --top-k and the rest, with what they are by default.
void add_sampling_options(CLI::App& command, SamplingFlags& flags);

struct Sampling {
  SamplerOptions options;
  bool advised = false;  ///< the file decided some of it
};
/// kUsage for flags that are out of range.
Status validate(const SamplingFlags& flags);
/// The errors of sampling_advice, and kCorrupt for advice that is out of range: both name the file.
Result<Sampling> sampling_for(const SamplingFlags& flags, const ModelFile& file);

/// "temperature 0.8, top-k 40, top-p 0.95, min-p 0.05", and the penalty if there is one.
std::string sampling_text(const Sampling& sampling);

}  // namespace adder
