#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "core/arch/checkpoint_writer.h"
#include "core/base/threads.h"
#include "make/fp8/policy.h"
#include "make/quantize/mix.h"

namespace adder {

struct SynthProgress {
  const TensorSpec& spec;  ///< the tensor at work
  uint64_t bytes_done, bytes_total;
};

struct SynthOptions {
  Layout layout = Layout::kGguf;
  Mix mix = Mix::kQ4_K_M;  ///< the Hugging Face layout takes kF32, kF16, kBF16
  /// Hugging Face layout: the matrices of this policy in FP8 with scales as Model Optimizer names them, the rest in
  /// BF16, in place of a mix.
  std::optional<Fp8Policy> fp8;
  uint64_t seed = 0;
  std::string name = "synthetic";  ///< general.name
  int threads = available_threads();
  /// Called several times a second from the calling thread; an error (Error::cancelled, say) ends the work.
  std::function<Status(const SynthProgress&)> progress;
};

/// Writes a model of this shape with random weights (random_weights.h) and a made-up vocabulary (vocabulary.h), so that
/// speed, memory and agreement with other programs can be measured without a download. The same options give the same
/// bytes on any machine and any number of threads. Memory in use is about the largest stored tensor.
///
/// Errors: what `validate` lists; a vocabulary below kMinSynthVocab (kUsage), a mix or FP8 the layout cannot hold
/// (kUsage).
Status synthesize(const ModelConfig& config, const std::filesystem::path& path, const SynthOptions& options);

}  // namespace adder
