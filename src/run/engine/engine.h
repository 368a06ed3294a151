#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/text/stream_decoder.h"
#include "core/text/tokenizer.h"
#include "run/generate/sampler.h"
#include "run/model/forward.h"

namespace adder {

struct EngineOptions {
  int threads = 0;                 ///< 0: available_threads()
  DType kv_type = DType::kF16;     ///< of keys and values: F32, F16, BF16, F8_E4M3
  DType state_type = DType::kF32;  ///< of SSM states: F32, F16, BF16
  int64_t context = 4096;          ///< most tokens one sequence may hold, prompt and answer
  int64_t prefill_tokens = 512;    ///< most prompt tokens per pass
  int64_t snapshot_bytes = 0;      ///< memory to go on from earlier prompts (Past); 0: each is read from its beginning
  int64_t sequences = 1;           ///< that the caller means to hold at a time; only the memory plan asks
  int64_t memory = 0;              ///< bytes; `open` refuses what `plan_memory` says goes beyond. 0: no limit
  std::string size = {};           ///< of a file that holds a model at several (core/nest/nested_file.h), by name
};

enum class FinishReason { kStop, kLength, kCancelled };
std::string_view name(FinishReason reason);  ///< "stop", "length", "cancelled"

struct GenerateRequest {
  std::vector<TokenId> prompt;  ///< empty: start from the file's BOS
  int64_t max_tokens = 128;     ///< the context may end the answer before
  SamplerOptions sampling;
  std::vector<std::string> stop;  ///< texts that end the answer and are not part of it
  bool show_special = false;      ///< control tokens are part of the text
  bool ignore_eos = false;        ///< go on after the file's end tokens
  bool speculate = true;          ///< guess at repetitions: the same answer, sooner (LogitStream)
  /// Asked before each token of the answer; the one it gives is taken, whatever the model would say. An id of the
  /// vocabulary.
  std::function<std::optional<TokenId>()> force = {};
};

struct GenerateResult {
  std::vector<TokenId> tokens;  ///< generated, without the end token
  std::string text;             ///< all pieces together
  FinishReason reason = FinishReason::kLength;
  int64_t reused_tokens = 0;    ///< of the prompt, known from the text before
  int64_t drafted = 0;          ///< tokens computed before they were known, see LogitStream
  int64_t accepted = 0;         ///< those that were then chosen
  double prompt_seconds = 0;    ///< until the logits after the prompt
  double generate_seconds = 0;  ///< from there on: a pass for each token but the last, or for several
};

/// One model, ready to answer.
class Engine {
 public:
  /// Errors: those of the file, options out of range (kUsage), a memory plan beyond `options.memory` or more than there
  /// is (kTooLarge), more threads than the system starts (kIo).
  static Result<std::unique_ptr<Engine>> open(const std::filesystem::path& path, const EngineOptions& options = {});
  ~Engine();

  const Model& model() const;
  const Tokenizer& tokenizer() const;
  const EngineOptions& options() const;   ///< with the number of threads filled in
  Forward& forward();                     ///< for evaluation tools that want logits
  Result<Sequence> new_sequence() const;  ///< kTooLarge without memory

  /// Answers one prompt. `on_text` gets complete UTF-8 pieces as they come, and an empty one after each pass that
  /// brought no text; it returns false to stop. Errors: options out of range, ids outside the vocabulary, an empty
  /// prompt without BOS (kUsage), a prompt longer than the context or too little memory (kTooLarge), and those of
  /// `Forward::run` and `Sampler::sample`. After an error the engine answers the next prompt as it always would.
  ///
  /// `on_token` is told each token of the answer before its text, for readers who tell control tokens apart by their
  /// ids.
  Result<GenerateResult> generate(const GenerateRequest& request,
                                  const std::function<bool(std::string_view)>& on_text = {},
                                  const std::function<void(TokenId)>& on_token = {});

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace adder
