#include "run/engine/engine.h"

#include <algorithm>
#include <chrono>

#include "core/base/check.h"
#include "core/base/exceptions.h"
#include "core/nest/nested_file.h"
#include "run/engine/answer.h"
#include "run/engine/logit_stream.h"
#include "run/engine/past.h"
#include "run/engine/plan.h"

namespace adder {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Status validate(const GenerateRequest& request) {
  TRY(validate(request.sampling));
  if (request.max_tokens < 0) return Error::usage("{} tokens to generate", request.max_tokens);
  for (const std::string& stop : request.stop)
    if (stop.empty()) return Error::usage("an empty stop text");
  return {};
}

}  // namespace

std::string_view name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      return "cancelled";
  }
  return "";
}

struct Engine::Impl {
  EngineOptions options;
  std::shared_ptr<const Model> model;
  Tokenizer tokenizer;
  std::unique_ptr<ThreadPool> pool;
  Forward forward;
  Past past;

  Impl(const EngineOptions& o, std::unique_ptr<ThreadPool> p, std::shared_ptr<const Model> m, Tokenizer t)
      : options(o),
        model(std::move(m)),
        tokenizer(std::move(t)),
        pool(std::move(p)),
        forward(model, *pool),
        past(Sequence(model->config(), options.kv_type, options.state_type), options.snapshot_bytes) {}

  static Result<std::unique_ptr<Engine>> open(const std::filesystem::path& path, const EngineOptions& options);
  Result<GenerateResult> generate(const GenerateRequest& request, const std::function<bool(std::string_view)>& on_text,
                                  const std::function<void(TokenId)>& on_token);
  Result<std::span<const float>> read_prompt(Answer& answer);
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

const Model& Engine::model() const {
  return *impl_->model;
}
const Tokenizer& Engine::tokenizer() const {
  return impl_->tokenizer;
}
const EngineOptions& Engine::options() const {
  return impl_->options;
}
Forward& Engine::forward() {
  return impl_->forward;
}
Result<Sequence> Engine::new_sequence() const {
  return exceptions_to_errors("a new sequence", [&]() -> Result<Sequence> {
    return Sequence(impl_->model->config(), impl_->options.kv_type, impl_->options.state_type);
  });
}
Result<std::unique_ptr<Engine>> Engine::open(const std::filesystem::path& path, const EngineOptions& options) {
  return exceptions_to_errors(path.native(), [&] { return Impl::open(path, options); });
}
Result<GenerateResult> Engine::generate(const GenerateRequest& request,
                                        const std::function<bool(std::string_view)>& on_text,
                                        const std::function<void(TokenId)>& on_token) {
  return exceptions_to_errors("an answer", [&] { return impl_->generate(request, on_text, on_token); });
}

/// The logits after the prompt that `past` has begun, unless the reader has enough. Passes end where chunks do if they
/// can: snapshots hold no log there.
Result<std::span<const float>> Engine::Impl::read_prompt(Answer& answer) {
  const std::span<const TokenId> prompt = past.text();
  const auto n_prompt = static_cast<int64_t>(prompt.size());
  std::span<const float> logits;
  while (past.position() < n_prompt && !answer.cancelled()) {
    const int64_t begin = past.position();
    int64_t end = std::min(begin + options.prefill_tokens, n_prompt);
    if (const int64_t border = end / kChunk * kChunk; end < n_prompt && border > begin) end = border;
    const auto piece = prompt.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    const Segment segment{&past.sequence(), piece, end == n_prompt ? Want::kLast : Want::kNothing};
    TRY_ASSIGN(logits, forward.run({&segment, 1}));
    TRY(past.keep());
    if (end < n_prompt) answer.give("");
  }
  return logits;
}

Result<std::unique_ptr<Engine>> Engine::Impl::open(const std::filesystem::path& path, const EngineOptions& options) {
  TRY(validate(options));
  EngineOptions filled = options;
  if (filled.threads == 0) filled.threads = available_threads();

  TRY_ASSIGN(ModelFile file, ModelFile::open(path));
  TRY_ASSIGN(BoundModel bound,
             bind_size(std::make_shared<const ModelFile>(std::move(file)), options.size, Join::kToRun));
  TRY_ASSIGN(const MemoryPlan plan, plan_memory(bound, filled));
  if (auto fits = check_plan(plan, filled); !fits) return std::move(fits).error().in(path.string());

  auto pool = std::make_unique<ThreadPool>(filled.threads);
  TRY_ASSIGN(std::shared_ptr<const Model> model, Model::from_bound(std::move(bound), *pool));
  TRY_ASSIGN(Tokenizer tokenizer, Tokenizer::from_file(*model->bound().file));
  if (tokenizer.vocab_size() > model->config().vocab_size)
    return Error::corrupt("{}: a tokenizer of {} tokens on a model of {}", path.string(), tokenizer.vocab_size(),
                          model->config().vocab_size);
  return std::unique_ptr<Engine>(
      new Engine(std::make_unique<Impl>(filled, std::move(pool), std::move(model), std::move(tokenizer))));
}

Result<GenerateResult> Engine::Impl::generate(const GenerateRequest& request,
                                              const std::function<bool(std::string_view)>& on_text,
                                              const std::function<void(TokenId)>& on_token) {
  TRY(validate(request));
  std::vector<TokenId> prompt = request.prompt;
  if (prompt.empty()) {
    if (tokenizer.data().bos < 0) return Error::usage("an empty prompt, and the model has no BOS token to start from");
    prompt.push_back(tokenizer.data().bos);
  }
  const auto n_prompt = static_cast<int64_t>(prompt.size());
  if (n_prompt > options.context)
    return Error::too_large("the prompt has {} tokens, the context holds {}", n_prompt, options.context);

  GenerateResult result;
  Answer answer(request, tokenizer, on_text);
  Sampler sampler(request.sampling);
  TRY(past.begin(prompt));
  result.reused_tokens = past.position();

  auto start = Clock::now();
  TRY_ASSIGN(std::span<const float> logits, read_prompt(answer));
  for (const TokenId token : prompt) sampler.accept(token);
  result.prompt_seconds = seconds_since(start);

  start = Clock::now();
  LogitStream stream(forward, past.sequence(), prompt, request.speculate);
  const int64_t limit = std::min(request.max_tokens, options.context - n_prompt);
  while (!answer.cancelled() && static_cast<int64_t>(result.tokens.size()) < limit) {
    const int64_t left = limit - static_cast<int64_t>(result.tokens.size());
    if (!result.tokens.empty()) {
      past.push(result.tokens.back());
      TRY_ASSIGN(logits, stream.next(result.tokens.back(), left));
      if (past.position() % kChunk == 0) TRY(past.keep());  // drafts never get there, so the text is known
    }
    const std::optional<TokenId> forced = request.force ? request.force() : std::nullopt;
    TRY_ASSIGN(const TokenId token, forced ? Result<TokenId>(*forced) : sampler.sample(logits));
    CHECK(token >= 0 && token < model->config().vocab_size, "token {} of {}", token, model->config().vocab_size);
    if (!request.ignore_eos && tokenizer.is_stop(token)) {
      result.reason = FinishReason::kStop;
      break;
    }
    result.tokens.push_back(token);
    sampler.accept(token);
    if (on_token) on_token(token);
    answer.push(token);
    if (answer.stopped()) {
      result.reason = FinishReason::kStop;
      break;
    }
  }
  if (answer.cancelled())
    result.reason = FinishReason::kCancelled;
  else
    answer.finish();
  if (answer.stopped()) result.reason = FinishReason::kStop;  // also by what the decoder still held
  result.generate_seconds = seconds_since(start);
  result.drafted = stream.drafted();
  result.accepted = stream.accepted();
  result.text = std::move(answer.text());
  return result;
}

}  // namespace adder
