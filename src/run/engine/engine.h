#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/text/stream_decoder.h"
#include "core/text/tokenizer.h"
#include "run/generate/sampler.h"
#include "run/model/forward.h"

namespace adder {

struct EngineOptions {
  int threads = 0;                  ///< 0: available_threads()
  DType kv_type = DType::kF16;      ///< F32, F16, BF16
  int64_t context = 4096;           ///< most tokens one sequence may hold, prompt and answer
  int64_t prefill_tokens = 512;     ///< most prompt tokens per pass
};

enum class FinishReason { kStop, kLength, kCancelled };
std::string_view name(FinishReason reason);

struct GenerateRequest {
  std::vector<TokenId> prompt;
  int64_t max_tokens = 128;
  SamplerOptions sampling;
  std::vector<std::string> stop;    ///< texts that end the answer and are not part of it
  bool show_special = false;
  bool ignore_eos = false;
};

struct GenerateResult {
  std::vector<TokenId> tokens;      ///< generated, without the stop token
  std::string text;
  FinishReason reason = FinishReason::kLength;
  double prompt_seconds = 0, generate_seconds = 0;
};

/// One model, ready to answer. `on_text` gets complete UTF-8 pieces as they come and returns false to stop.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> open(const std::filesystem::path& path, const EngineOptions& options = {});
  ~Engine();

  const Model& model() const;
  const Tokenizer& tokenizer() const;
  const EngineOptions& options() const;
  Forward& forward();  ///< for evaluation tools that want logits
  Sequence new_sequence() const;

  Result<GenerateResult> generate(const GenerateRequest& request,
                                  const std::function<bool(std::string_view)>& on_text = {});

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace adder
